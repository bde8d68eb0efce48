"""Parts of a process node are killed while pods run: nothing is lost, nothing runs twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TextIO

import pytest

from kubelab.client import EVENTS, PODS, Client, Object
from kubelab.engine.nodes import end_all
from kubelab.errors import NotFoundError
from kubelab.http import HttpTransport, Kubeconfig

_CONTROL_PLANE = Path(__file__).with_name("control_plane.py")
_COUNTS = "n=0; while true; do n=$((n+1)); echo line $n; echo $n > /data-test/n; sleep 0.05; done"


class ControlPlane:
    """A control plane in a process of its own, and a client of it."""

    def __init__(self, state_dir: Path, *options: str) -> None:
        self.state_dir = state_dir
        self.options = options
        self.client: Client
        self._process: subprocess.Popen[str]

    async def start(self) -> None:
        argv = [sys.executable, str(_CONTROL_PLANE), str(self.state_dir), *self.options]
        log = (self.state_dir / "control-plane.log").open("a")
        self._process = await asyncio.to_thread(_start, argv, log)
        assert self._process.stdout is not None
        ready = await asyncio.to_thread(self._process.stdout.readline)
        assert ready.startswith("https://"), (self.state_dir / "control-plane.log").read_text()
        self.client = Client(HttpTransport(Kubeconfig.load(self.state_dir / "kubeconfig")))

    async def kill(self) -> None:
        await self.client.close()
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    async def create(self, name: str, script: str, **spec: Any) -> None:
        container = {
            "name": "main",
            "image": "busybox",
            "command": ["sh", "-c", script],
            "volumeMounts": [{"name": "data", "mountPath": "/data-test"}],
        }
        spec = {
            "nodeName": "fault-node",
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            "volumes": [{"name": "data", "hostPath": {"path": str(self.data(name))}}],
            **spec,
        }
        meta = {"name": name, "namespace": "default"}
        await self.client.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})

    def data(self, name: str) -> Path:
        path = self.state_dir / "data" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    async def when(self, name: str, condition: Callable[[Object], Any]) -> Object:
        async with asyncio.timeout(30):
            while True:
                pod = await self.client.get(PODS, name, "default")
                if condition(pod):
                    return pod
                await asyncio.sleep(0.02)

    async def log(self, name: str) -> list[str]:
        return [line async for line in self.client.logs(name, "default")]

    def supervisor(self, pod: Object) -> int:
        path = self.state_dir / "pods" / pod["metadata"]["uid"] / "supervisor.json"
        return int(json.loads(path.read_text())["pid"])

    def container(self, pod: Object) -> int:
        path = self.state_dir / "pods" / pod["metadata"]["uid"] / "status.json"
        return int(json.loads(path.read_text())["containers"][0]["pid"])


def _start(argv: list[str], log: TextIO) -> subprocess.Popen[str]:
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, text=True)


def _phase(phase: str) -> Callable[[Object], bool]:
    return lambda pod: pod["status"].get("phase") == phase


async def _until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - files and processes send no events
            await asyncio.sleep(0.02)


def _is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[ControlPlane]:
    control_plane = ControlPlane(tmp_path)
    await control_plane.start()
    yield control_plane
    await control_plane.kill()
    end_all(tmp_path)


async def test_pods_outlive_the_control_plane_and_are_found_again(plane: ControlPlane) -> None:
    await plane.create("counter", _COUNTS)
    before = await plane.when("counter", _phase("Running"))
    container = plane.container(before)
    await plane.kill()
    seen = (plane.data("counter") / "n").read_text()
    await _until(lambda: (plane.data("counter") / "n").read_text() not in {seen, ""})
    await plane.start()
    after = await plane.when("counter", _phase("Running"))
    assert plane.container(after) == container
    assert after["status"]["containerStatuses"][0]["restartCount"] == 0
    numbers = [int(line.split()[1]) for line in await plane.log("counter")]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_result_of_a_pod_that_ended_meanwhile_is_reported(plane: ControlPlane) -> None:
    await plane.create("finisher", "while ! test -e /data-test/go; do sleep 0.02; done; echo done; exit 5")
    pod = await plane.when("finisher", _phase("Running"))
    supervisor = plane.supervisor(pod)
    await plane.kill()
    (plane.data("finisher") / "go").touch()
    await _until(lambda: not _is_alive(supervisor))
    await plane.start()
    pod = await plane.when("finisher", _phase("Failed"))
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 5
    assert await plane.log("finisher") == ["done"]


async def test_deletion_asked_for_before_the_kill_is_carried_out_after_it(plane: ControlPlane) -> None:
    await plane.create("doomed", _COUNTS, terminationGracePeriodSeconds=30)
    pod = await plane.when("doomed", _phase("Running"))
    os.kill(plane.supervisor(pod), signal.SIGSTOP)
    await plane.client.delete(PODS, "doomed", "default")
    await plane.kill()
    os.kill(plane.supervisor(pod), signal.SIGCONT)
    container = plane.container(pod)
    await plane.start()
    with pytest.raises(NotFoundError):
        await plane.when("doomed", lambda _: False)
    await _until(lambda: not _is_alive(container))


async def test_containers_die_with_their_supervisor_and_the_pod_fails(plane: ControlPlane) -> None:
    await plane.create("orphan", f"sleep 1000 & echo $! > /data-test/child; {_COUNTS}")
    pod = await plane.when("orphan", _phase("Running"))
    await _until((plane.data("orphan") / "child").exists)
    child = int((plane.data("orphan") / "child").read_text())
    container = plane.container(pod)
    os.kill(plane.supervisor(pod), signal.SIGKILL)
    pod = await plane.when("orphan", _phase("Failed"))
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "Error")
    await _until(lambda: not _is_alive(container) and not _is_alive(child))


async def test_a_pod_that_restarts_is_supervised_again(plane: ControlPlane) -> None:
    await plane.create("phoenix", _COUNTS, restartPolicy="Always")
    pod = await plane.when("phoenix", _phase("Running"))
    os.kill(plane.supervisor(pod), signal.SIGKILL)
    pod = await plane.when(
        "phoenix",
        lambda pod: (
            pod["status"]["containerStatuses"][0]["restartCount"] == 1
            and "running" in pod["status"]["containerStatuses"][0]["state"]
        ),
    )
    assert pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 137


async def test_everything_can_be_ended_after_everything_was_killed(tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path, "--warm")
    await plane.start()
    await plane.create("left", f"sleep 1000 & setsid sleep 1000 & {_COUNTS}")
    pod = await plane.when("left", _phase("Running"))
    await _until((plane.data("left") / "n").exists)
    await plane.kill()
    container = plane.container(pod)
    os.kill(plane.supervisor(pod), signal.SIGSTOP)
    assert end_all(tmp_path) > 0
    assert not _is_alive(container)
    assert not _is_alive(plane.supervisor(pod))
    assert end_all(tmp_path) == 0
    assert not _with_files_of(tmp_path)


async def test_a_pod_killed_by_kubectl_with_force_is_gone_at_once(plane: ControlPlane) -> None:
    await plane.create("forced", _COUNTS, terminationGracePeriodSeconds=600)
    pod = await plane.when("forced", _phase("Running"))
    container = plane.container(pod)
    await plane.client.delete(PODS, "forced", "default", grace_period_seconds=0)
    await _until(lambda: not _is_alive(container))


def _with_files_of(directory: Path) -> list[Path]:
    """Processes that have the directory mounted or work in it."""
    return [path for path in Path("/proc").glob("[0-9]*") if _is_inside(path, directory)]


def _is_inside(process: Path, directory: Path) -> bool:
    try:
        mounted = str(directory) in (process / "mountinfo").read_text()
        return mounted or (process / "cwd").readlink().is_relative_to(directory)
    except OSError:
        return False


async def test_a_supervisor_that_cannot_start_is_told_of(plane: ControlPlane) -> None:
    await plane.create("blocked", _COUNTS, restartPolicy="Always")
    pod = await plane.when("blocked", _phase("Running"))
    directory = plane.state_dir / "pods" / pod["metadata"]["uid"]
    plan = json.loads((directory / "plan.json").read_text())
    plan["isolation"] |= {"namespaces": True, "user_namespace": True}
    plan["hostname"] = None
    (directory / "plan.json").write_text(json.dumps(plan))
    os.kill(plane.supervisor(pod), signal.SIGKILL)

    async def told() -> bool:
        page = await plane.client.list(EVENTS, "default")
        return any(event["reason"] == "FailedCreatePodSandBox" for event in page.items)

    async with asyncio.timeout(30):
        while not await told():  # noqa: ASYNC110 - a poll over HTTP
            await asyncio.sleep(0.05)
