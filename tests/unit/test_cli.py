import contextlib
import json
import os
import signal
import stat
from pathlib import Path

import psutil
import pytest

from tests.conftest import Lab


def test_up_tells_a_script_how_to_reach_the_cluster(lab: Lab) -> None:
    answer = lab.up("one", "--no-warm")
    assert set(answer) == {"name", "server", "kubeconfig", "token", "pid", "metrics_url"}
    assert answer["server"].startswith("https://127.0.0.1:")
    kubeconfig = Path(answer["kubeconfig"])
    assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
    assert stat.S_IMODE(kubeconfig.parent.stat().st_mode) == 0o700
    rows = json.loads(lab.kubelab("status", "--json").stdout)
    assert [(row["name"], row["state"], row["pid"]) for row in rows] == [("one", "Running", answer["pid"])]


def test_a_second_up_says_what_to_do(lab: Lab) -> None:
    pid = lab.up("one", "--no-warm")["pid"]
    again = lab.kubelab("up", "--name", "one", check=False)
    assert again.returncode == 1
    assert f"already running (process {pid})" in again.stderr
    assert "kubelab down --name one" in again.stderr
    assert "Traceback" not in again.stderr


def test_clusters_run_side_by_side_and_end_by_name(lab: Lab) -> None:
    first, second = lab.up("one", "--no-warm"), lab.up("two", "--no-warm")
    assert first["server"] != second["server"]
    lab.kubelab("down", "--name", "one")
    rows = json.loads(lab.kubelab("status", "--json").stdout)
    assert [(row["name"], row["state"]) for row in rows] == [("one", "Stopped"), ("two", "Running")]
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(first["pid"]).wait(5)  # until its parent has reaped it


def test_a_cluster_that_was_killed_comes_back_at_the_same_address(lab: Lab) -> None:
    first = lab.up("one", "--no-warm")
    os.kill(first["pid"], signal.SIGKILL)
    again = lab.up("one", "--no-warm")
    assert again["pid"] != first["pid"]
    assert (again["server"], again["token"]) == (first["server"], first["token"])


def test_down_with_delete_leaves_nothing(lab: Lab) -> None:
    lab.up("one", "--no-warm")
    answer = json.loads(lab.kubelab("down", "--name", "one", "--delete", "--json").stdout)
    assert answer == {"name": "one", "was_running": True, "deleted": True}
    assert not (lab.home / "one").exists()
    assert "no lab cluster" in lab.kubelab("status").stdout


@pytest.mark.parametrize("name", ["Lab", "../x", "a_b"])
def test_a_bad_name_is_one_plain_line(lab: Lab, name: str) -> None:
    refused = lab.kubelab("up", "--name", name, check=False)
    assert refused.returncode == 1
    assert "lower-case letters, digits and inner hyphens" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_doctor_names_what_the_machine_can_and_cannot(lab: Lab) -> None:
    findings = json.loads(lab.kubelab("doctor", "--json").stdout)
    subjects = {finding["subject"] for finding in findings}
    assert {"Python", "jax", "kubectl", "memory limits", "pods"} <= subjects


def test_a_broken_state_folder_is_told_not_traced(lab: Lab) -> None:
    folder = lab.home / "one"
    folder.mkdir(mode=0o700)
    (folder / "tls").write_text("not a folder")
    refused = lab.kubelab("up", "--name", "one", check=False)
    assert refused.returncode == 1
    assert "did not start" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_the_system_refuses_is_told_not_traced(lab: Lab) -> None:
    lab.home.joinpath("one").write_text("a file where the folder should be")
    refused = lab.kubelab("up", "--name", "one", check=False)
    assert refused.returncode == 1
    assert "File exists" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_notebooks_own_cluster_is_meant_unless_named(lab: Lab) -> None:
    lab.up("one", "--no-warm")
    Lab(lab.home, {**lab.env, "KUBELAB_CLUSTER": "one"}).kubelab("down")
    (row,) = json.loads(lab.kubelab("status", "--json").stdout)
    assert (row["name"], row["state"]) == ("one", "Stopped")
    assert "None" not in lab.kubelab("status").stdout


def test_ending_a_cluster_that_is_not_there_says_so(lab: Lab) -> None:
    assert lab.kubelab("down", "--name", "typo", "--delete").stdout == "There is no cluster typo.\n"
