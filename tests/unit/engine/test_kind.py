"""The engine ``kind``, with programs in kind's and Docker's place that reach a real lab cluster."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubelab import Cluster, clock
from kubelab.engine.kind import KindOptions, KindOptionsError, config, parse_feature_gates
from tests.conftest import Lab, made

TIMEOUT_S = 120.0
KIND = """#!{python}
import json, os, shutil, signal, sys, time
from pathlib import Path

room, words = Path({room!r}), sys.argv[1:]
given = "" if "create" not in words else sys.stdin.read()
with (room / "calls").open("a") as calls:
    calls.write(json.dumps([words, given]) + "\\n")
clusters = room / "clusters"
option = lambda name: words[words.index(name) + 1]
if words == ["get", "clusters"]:
    print("\\n".join(path.name for path in clusters.iterdir()))
elif words[0] == "create":
    (clusters / option("--name")).touch()
    print("Creating cluster ...", file=sys.stderr, flush=True)
    print("Have a nice day!", flush=True)
    if (room / "slow").exists():
        signal.pause()
    if (room / "broken").exists():
        sys.exit("ERROR: failed to create cluster")
    shutil.copy(room / "kubeconfig", option("--kubeconfig"))
elif words[0] == "delete":
    if (room / "hold").exists():
        (room / "deleting").touch()
        while (room / "hold").exists():
            time.sleep(0.02)
    (clusters / option("--name")).unlink(missing_ok=True)
"""


@dataclass(frozen=True)
class Kind:
    """A home for lab clusters on a machine where something answers as kind and Docker."""

    lab: Lab
    room: Path

    @property
    def clusters(self) -> set[str]:
        return {path.name for path in (self.room / "clusters").iterdir()}

    def calls(self, verb: str) -> list[tuple[list[str], str]]:
        found = map(json.loads, (self.room / "calls").read_text().splitlines())
        return [(words, given) for words, given in found if words[0] == verb]


def program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o700)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A real cluster, of another home."""
    with made(tmp_path_factory.mktemp("server")) as lab:
        yield lab.up("real", "--no-warm")


@pytest.fixture
def kind(tmp_path: Path, server: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Kind:
    room, home = tmp_path / "room", tmp_path / "home"
    (room / "clusters").mkdir(parents=True)
    shutil.copy(server["kubeconfig"], room / "kubeconfig")
    program(tmp_path / "bin" / "kind", KIND.format(python=sys.executable, room=str(room)))
    program(tmp_path / "bin" / "docker", "#!/bin/sh\nexit 0\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("KUBELAB_HOME", str(home))
    for name in ("KUBECONFIG", "KIND_EXPERIMENTAL_PROVIDER"):  # the former is set by connect
        monkeypatch.delenv(name, raising=False)
    return Kind(Lab(home, {**os.environ, "COLUMNS": "200"}), room)


def test_config_of_a_plain_cluster_is_one_node() -> None:
    document = yaml.safe_load(config(KindOptions()))
    assert document["nodes"] == [{"role": "control-plane"}]
    assert "networking" not in document
    assert "featureGates" not in document


def test_config_has_every_option() -> None:
    options = KindOptions(3, "nftables", {"MemoryQoS": True, "JobPodReplacementPolicy": False})
    document = yaml.safe_load(config(options))
    assert [node["role"] for node in document["nodes"]] == ["control-plane", "worker", "worker"]
    assert document["networking"] == {"kubeProxyMode": "nftables"}
    assert document["featureGates"] == {"MemoryQoS": True, "JobPodReplacementPolicy": False}


@pytest.mark.parametrize("text", ["A", "A=yes", "=true", "A=true;B=false", "A=true B=false"])
def test_feature_gates_written_otherwise_are_refused(text: str) -> None:
    with pytest.raises(KindOptionsError, match="Name=true"):
        parse_feature_gates(text)


def test_feature_gates_are_read() -> None:
    assert parse_feature_gates("A=true, B=false") == {"A": True, "B": False}


def test_cluster_is_made_connected_to_and_deleted(kind: Kind, server: dict[str, Any]) -> None:
    options = ["--nodes", "2", "--kube-proxy-mode", "ipvs", "--feature-gates", "A=true"]
    done = kind.lab.kubelab("up", "--name", "one", "--engine", "kind", *options)
    assert "Creating cluster" in done.stderr
    assert done.stdout.startswith(f"Cluster one is ready at {server['server']}.")
    kubeconfig = str(kind.lab.home / "one" / "kubeconfig")
    ((words, given),) = kind.calls("create")
    where = ["--name", "kubelab-one", "--kubeconfig", kubeconfig]
    assert words == ["create", "cluster", "--config", "-", "--wait", "120s", *where]
    assert yaml.safe_load(given)["networking"] == {"kubeProxyMode": "ipvs"}
    (row,) = json.loads(kind.lab.kubelab("status", "--json").stdout)
    assert (row["name"], row["engine"], row["state"], row["pid"]) == ("one", "kind", "Running", None)
    with Cluster.connect("one") as cluster:
        assert repr(cluster).startswith("<Cluster one: kind, 1 node")
        assert cluster.kubeconfig == Path(kubeconfig)
        assert list(cluster.nodes()["name"]) == ["real-node"]
    down = kind.lab.kubelab("down", "--name", "one")
    assert down.stdout == "Cluster one has ended. Its state is deleted.\n"
    assert kind.calls("delete") == [(["delete", "cluster", *where], "")]
    assert not kind.clusters
    assert not (kind.lab.home / "one").exists()


def test_connect_makes_the_cluster_and_down_deletes_it(kind: Kind) -> None:
    cluster = Cluster.connect("one", engine="kind")
    assert kind.clusters == {"kubelab-one"}
    cluster.down()
    assert not kind.clusters


def test_status_watch_shows_its_nodes(kind: Kind) -> None:
    kind.lab.kubelab("up", "--name", "one", "--engine", "kind")
    command = [sys.executable, "-m", "kubelab.cli", "status", "--watch", "--json"]
    with subprocess.Popen(command, env=kind.lab.env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        (seen,) = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
    assert (seen["engine"], seen["state"], seen["nodes_ready"]) == ("kind", "Running", 1)


def test_json_stays_json_while_kind_tells_its_progress(kind: Kind, server: dict[str, Any]) -> None:
    answer = kind.lab.up("one", "--engine", "kind")
    assert (answer["server"], answer["pid"]) == (server["server"], None)


def test_options_that_kind_has_no_use_for_are_said_to_change_nothing(kind: Kind) -> None:
    done = kind.lab.kubelab("up", "--name", "one", "--engine", "kind", "--no-warm")
    assert "--no-warm and --no-recorder change nothing" in done.stderr


def test_second_up_is_refused(kind: Kind) -> None:
    kind.lab.up("one", "--engine", "kind")
    again = kind.lab.kubelab("up", "--name", "one", check=False)
    assert "cluster 'one' is already running." in again.stderr
    other = kind.lab.kubelab("up", "--name", "one", "--engine", "embedded", check=False)
    assert "was made by the engine 'kind'" in other.stderr
    assert kind.clusters == {"kubelab-one"}


def test_cluster_that_does_not_answer_is_stopped_and_kept(kind: Kind) -> None:
    kind.lab.up("one", "--engine", "kind")
    record = kind.lab.home / "one" / "cluster.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "server": "https://127.0.0.1:1"}))
    (row,) = json.loads(kind.lab.kubelab("status", "--json").stdout)
    assert row["state"] == "Stopped"
    again = kind.lab.kubelab("up", "--name", "one", check=False)
    assert "docker start kubelab-one-control-plane" in again.stderr
    assert kind.clusters == {"kubelab-one"}


def test_cluster_that_kind_cannot_make_leaves_nothing(kind: Kind) -> None:
    (kind.room / "broken").touch()
    refused = kind.lab.kubelab("up", "--name", "one", "--engine", "kind", check=False)
    assert refused.returncode == 1
    assert "ERROR: failed to create cluster\nkubelab: cluster 'one': `kind create" in refused.stderr
    assert not kind.clusters
    assert not (kind.lab.home / "one").exists()


def start_slowly(kind: Kind) -> subprocess.Popen[str]:
    """Start making a cluster in a process group of its own, and return once kind is at it."""
    (kind.room / "slow").touch()
    command = [sys.executable, "-m", "kubelab.cli", "up", "--name", "one", "--engine", "kind"]
    process = subprocess.Popen(
        command, env=kind.lab.env, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr
    assert "Creating" in process.stderr.readline()
    return process


def test_ctrl_c_deletes_the_half_made_cluster(kind: Kind) -> None:
    with start_slowly(kind) as process:
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(TIMEOUT_S) == 130
    assert not kind.clusters
    assert not (kind.lab.home / "one").exists()


def test_a_second_ctrl_c_does_not_leave_half_a_cluster(kind: Kind) -> None:
    (kind.room / "hold").touch()
    with start_slowly(kind) as process:
        os.killpg(process.pid, signal.SIGINT)
        deadline = clock.monotonic() + TIMEOUT_S
        while not (kind.room / "deleting").exists():
            assert clock.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        (kind.room / "hold").unlink()
        assert process.wait(TIMEOUT_S) == 130
    assert not kind.clusters
    assert not (kind.lab.home / "one").exists()


def test_doctor_says_whether_kind_is_here(kind: Kind) -> None:
    (found,) = [each for each in findings(kind.lab) if each["subject"] == "engine kind"]
    assert (found["ok"], found["detail"]) == (True, "makes clusters of containers")
    bare = Lab(kind.lab.home, {**kind.lab.env, "PATH": "/nowhere"})
    (missing,) = [each for each in findings(bare) if each["subject"] == "engine kind"]
    assert (missing["ok"], missing["needed"], missing["detail"]) == (False, False, "needs kind and docker")


def findings(lab: Lab) -> list[dict[str, Any]]:
    """What doctor finds on a machine."""
    found: list[dict[str, Any]] = json.loads(lab.kubelab("doctor", "--json", check=False).stdout)
    return found


def test_cluster_in_the_making_is_not_deleted_from_elsewhere(kind: Kind) -> None:
    with start_slowly(kind) as process:
        refused = kind.lab.kubelab("down", "--name", "one", check=False)
        again = kind.lab.kubelab("up", "--name", "one", check=False)
        os.killpg(process.pid, signal.SIGINT)
    assert f"process {process.pid} is making it" in refused.stderr
    assert f"already running (process {process.pid})" in again.stderr


def test_cluster_left_half_made_by_a_killed_kubelab_is_made_anew(kind: Kind) -> None:
    with start_slowly(kind) as process:
        os.killpg(process.pid, signal.SIGKILL)
    assert kind.clusters == {"kubelab-one"}
    (kind.room / "slow").unlink()
    kind.lab.up("one")
    assert [words[0] for words, _ in kind.calls("delete") + kind.calls("create")] == [
        "delete",
        "create",
        "create",
    ]


def test_cluster_of_kind_that_was_not_made_from_here_is_left_alone(kind: Kind) -> None:
    (kind.room / "clusters" / "kubelab-one").touch()
    refused = kind.lab.kubelab("up", "--name", "one", "--engine", "kind", check=False)
    assert "kind delete cluster --name kubelab-one" in refused.stderr
    kind.lab.kubelab("down", "--name", "one", "--delete")
    assert kind.clusters == {"kubelab-one"}
    assert not (kind.lab.home / "one").exists()


@pytest.mark.parametrize("engine", [(), ("--engine", "embedded"), ("--engine", "binaries")])
def test_options_of_kind_are_refused_for_another_engine(lab: Lab, engine: tuple[str, ...]) -> None:
    refused = lab.kubelab("up", "--name", "one", *engine, "--nodes", "3", check=False)
    assert refused.returncode == 1
    assert "are for the engine 'kind'" in refused.stderr
    assert not (lab.home / "one").exists()


def test_missing_programs_are_named_with_where_to_get_them(lab: Lab, tmp_path: Path) -> None:
    bare = Lab(lab.home, {**lab.env, "PATH": str(tmp_path)})
    refused = bare.kubelab("up", "--name", "one", "--engine", "kind", check=False)
    assert refused.returncode == 1
    assert "needs kind and docker, not found on PATH" in refused.stderr
    assert "https://kind.sigs.k8s.io" in refused.stderr
    assert "https://docs.docker.com" in refused.stderr
    assert not (lab.home / "one").exists()


def test_docker_that_does_not_work_is_told_in_its_words(kind: Kind, tmp_path: Path) -> None:
    program(
        tmp_path / "bin" / "docker", "#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2; exit 1\n"
    )
    refused = kind.lab.kubelab("up", "--name", "one", "--engine", "kind", check=False)
    assert "docker does not work here (Cannot connect to the Docker daemon)" in refused.stderr
    assert not (kind.lab.home / "one").exists()
