"""Commands that came in by ``kubectl exec`` end with their pod and with the cluster."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.conformance.kubectl import Kubectl
from tests.conformance.manifests import shell_pod
from tests.conftest import Lab

pytestmark = pytest.mark.slow

_LEAVES_MUCH = "sleep 999 & echo $! $$; setsid sleep 998 & echo $!; wait; exit 9"


class Visit:
    """A running ``kubectl exec`` and the processes that it started."""

    def __init__(self, kubectl: Kubectl, pod: str) -> None:
        self.client = kubectl.start("exec", pod, "--", "sh", "-c", _LEAVES_MUCH)
        assert self.client.stdout is not None
        lines = [self.client.stdout.readline() for _ in range(2)]
        self.pids = [int(word) for line in lines for word in line.split()]
        assert len(self.pids) == 3

    def is_over(self) -> bool:
        return not any(map(_is_alive, self.pids))


def _is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def _until(condition: Callable[[], Any]) -> None:
    deadline = monotonic() + 60
    while not condition():
        assert monotonic() < deadline
        sleep(0.05)


@pytest.fixture
def cluster(lab: Lab, tmp_path: Path) -> Iterator[tuple[Kubectl, dict[str, Any]]]:
    """A cluster with a pod called ``host`` on it."""
    answer = lab.up("lab")
    kubectl = Kubectl(lab.home / "lab" / "kubeconfig", tmp_path)
    kubectl("create", "-f", "-", stdin=shell_pod("host", "exec sleep 1000"))
    kubectl("wait", "pod/host", "--for=condition=Ready", "--timeout=60s")
    yield kubectl, answer


def _ended(client: subprocess.Popen[str]) -> int:
    client.communicate(timeout=60)
    return client.returncode


def test_a_command_ends_with_its_pod(cluster: tuple[Kubectl, dict[str, Any]]) -> None:
    kubectl, _ = cluster
    visit = Visit(kubectl, "host")
    kubectl("delete", "pod", "host", "--grace-period=1")
    _until(visit.is_over)
    assert _ended(visit.client) != 0


def test_a_command_ends_with_the_cluster(cluster: tuple[Kubectl, dict[str, Any]], lab: Lab) -> None:
    kubectl, _ = cluster
    visit = Visit(kubectl, "host")
    lab.kubelab("down", "--name", "lab")
    assert visit.is_over()
    assert _ended(visit.client) != 0


def test_a_command_ends_with_the_control_plane_but_its_pod_does_not(
    cluster: tuple[Kubectl, dict[str, Any]], lab: Lab
) -> None:
    kubectl, answer = cluster
    visit = Visit(kubectl, "host")
    os.kill(int(answer["pid"]), signal.SIGKILL)
    leader, child, _apart = visit.pids[1], visit.pids[0], visit.pids[2]
    _until(lambda: not _is_alive(leader) and not _is_alive(child))
    assert _ended(visit.client) != 0
    lab.up("lab")
    assert kubectl("get", "pod", "host", "-o", "jsonpath={.status.phase}") == "Running"
    assert kubectl("exec", "host", "--", "echo", "still here") == "still here\n"
