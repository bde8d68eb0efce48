"""The engine ``binaries`` as a user runs it: started, killed, brought back, ended."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from time import monotonic

import psutil
import pytest

from tests.conformance.kubectl import Kubectl
from tests.conftest import Lab
from tests.realapi import build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def real_lab(lab: Lab) -> Lab:
    """A home in which the real programs are found."""
    try:
        lab.env["KUBEBUILDER_ASSETS"] = str(build.assets())
    except build.UnavailableError as error:
        pytest.skip(str(error))
    return lab


def programs_of(lab: Lab) -> list[psutil.Process]:
    records = sorted((lab.home / "lab/binaries").glob("*.json"))
    return [psutil.Process(json.loads(path.read_text())["pid"]) for path in records]


def test_a_killed_control_plane_leaves_no_program_and_comes_back(real_lab: Lab, tmp_path: Path) -> None:
    first = real_lab.up("lab", "--engine", "binaries", "--no-warm")
    kubectl = Kubectl(Path(first["kubeconfig"]), tmp_path)
    kubectl("create", "configmap", "kept", "--from-literal=k=v")
    programs = programs_of(real_lab)
    assert [each.name() for each in programs] == [
        *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    ]
    os.kill(first["pid"], signal.SIGKILL)
    assert not psutil.wait_procs(programs, timeout=30)[1]
    again = real_lab.up("lab", "--no-warm")
    assert (again["server"], again["token"]) == (first["server"], first["token"])
    assert kubectl("get", "cm", "kept", "-o", "jsonpath={.data.k}") == "v"
    (row,) = json.loads(real_lab.kubelab("status", "--json").stdout)
    assert (row["engine"], row["state"]) == ("binaries", "Running")
    assert row["memory_mb"] > 200
    programs = programs_of(real_lab)
    real_lab.kubelab("down", "--name", "lab")
    assert not [each for each in programs if each.is_running()]


def test_a_program_that_dies_is_started_again(real_lab: Lab, tmp_path: Path) -> None:
    made = real_lab.up("lab", "--engine", "binaries", "--no-warm")
    kubectl = Kubectl(Path(made["kubeconfig"]), tmp_path)
    for program in programs_of(real_lab):
        program.kill()
    deadline = monotonic() + 90
    while kubectl.run("create", "configmap", "after").returncode:
        assert monotonic() < deadline, "the API did not come back"
    refused = real_lab.kubelab("up", "--name", "lab", "--engine", "embedded", check=False)
    assert "already running" in refused.stderr


def test_a_cluster_keeps_its_engine(real_lab: Lab) -> None:
    real_lab.up("lab", "--no-warm")
    real_lab.kubelab("down", "--name", "lab")
    refused = real_lab.kubelab("up", "--name", "lab", "--engine", "binaries", check=False)
    assert refused.returncode == 1
    assert "was made by the engine 'embedded'" in refused.stderr


def test_without_the_programs_one_is_told_how_to_get_them(lab: Lab) -> None:
    lab.env.update(KUBEBUILDER_ASSETS="", PATH="/nowhere")
    refused = lab.kubelab("up", "--name", "lab", "--engine", "binaries", check=False)
    assert refused.returncode == 1
    assert "setup-envtest" in refused.stderr
    assert not (lab.home / "lab").exists()
