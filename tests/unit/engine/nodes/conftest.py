"""A process node under test: a real API server and real processes, in a private state directory."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from kubelab.client import EVENTS, PODS, Client, Object
from kubelab.clock import RealClock
from kubelab.engine.apiserver import ApiServer
from kubelab.engine.measures import Measures
from kubelab.engine.nodes import Isolation, ProcessNode, ServerAddress, end_all, probe
from kubelab.engine.nodes.isolation import without_namespaces
from kubelab.informer import Informers

NODE = "test-node"


class Lab:
    """An API server and one process node."""

    def __init__(self, state_dir: Path, isolation: Isolation, *, warm: bool) -> None:
        self.state_dir = state_dir
        self.isolation = isolation
        self.warm = warm
        self.measures = Measures()
        self.server = ApiServer(state_dir, RealClock(), token="test", measures=self.measures)
        self.client: Client
        self.node: ProcessNode
        self._task: asyncio.Task[None]
        self._informers: Informers

    async def start(self) -> None:
        (self.state_dir / "ca.crt").write_text("certificate")
        await self.server.start()
        self.client = self.server.client("system:masters")
        await self.start_node()

    async def start_node(self) -> None:
        self._informers = Informers(self.server.client("system:informers"))
        self.node = ProcessNode(
            self.server.client(f"system:node:{NODE}"),
            self._informers,
            RealClock(),
            name=NODE,
            state_dir=self.state_dir,
            server=ServerAddress("https://127.0.0.1:1", self.state_dir / "ca.crt"),
            warm=self.warm,
            isolation=self.isolation,
            back_off_s=0.4,
            measures=self.measures,
        )
        self.server.register_node(NODE, self.node)
        self._task = asyncio.create_task(self.node.run())
        ready = asyncio.create_task(self.node.ready.wait())
        done, _ = await asyncio.wait([self._task, ready], return_when=asyncio.FIRST_COMPLETED)
        if self._task in done:
            self._task.result()
        if self.warm:
            await self.until(lambda: self.node.warm_parent_ready, "the warm parent")

    async def stop_node(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.node.stop()
        await self._informers.stop()

    async def close(self) -> None:
        await self.stop_node()
        await self.server.stop()
        await asyncio.to_thread(end_all, self.state_dir)

    async def until(self, condition: Callable[[], Any], what: str, patience_s: float = 30.0) -> Any:
        async with asyncio.timeout(patience_s):
            while True:
                found = condition()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.01)
        raise AssertionError(what)

    async def create(self, name: str, *command: str, **container: Any) -> Object:
        spec = container.pop("spec", {})
        labels = container.pop("labels", {})
        main = {"name": "main", "image": "kubelab/jax", "command": list(command), **container}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", "labels": labels},
            "spec": {"nodeName": NODE, "restartPolicy": "Never", "containers": [main], **spec},
        }
        return await self.client.create(PODS, pod)

    async def pod(self, name: str) -> Object:
        return await self.client.get(PODS, name, "default")

    async def when(self, name: str, condition: Callable[[Object], Any], patience_s: float = 30.0) -> Object:
        async with asyncio.timeout(patience_s):
            while True:
                pod = await self.pod(name)
                if condition(pod):
                    return pod
                await asyncio.sleep(0.01)
        raise AssertionError(name)

    async def ended(self, name: str) -> Object:
        return await self.when(name, lambda pod: pod["status"].get("phase") in {"Succeeded", "Failed"})

    async def running(self, name: str) -> Object:
        return await self.when(name, lambda pod: pod["status"].get("phase") == "Running")

    async def run(self, name: str, *command: str, **container: Any) -> tuple[Object, list[str]]:
        await self.create(name, *command, **container)
        pod = await self.ended(name)
        return pod, await self.log(name)

    async def log(self, name: str, **options: Any) -> list[str]:
        return [line async for line in self.client.logs(name, "default", **options)]

    async def events(self, name: str, reason: str) -> list[Object]:
        async def found() -> list[Object]:
            page = await self.client.list(EVENTS, "default")
            return [e for e in page.items if e["involvedObject"]["name"] == name and e["reason"] == reason]

        return list(await self.until(found, reason))


def state_of(pod: Object, name: str = "main") -> Object:
    """Return a container's state."""
    statuses = [*pod["status"].get("initContainerStatuses", []), *pod["status"]["containerStatuses"]]
    return next(status["state"] for status in statuses if status["name"] == name)


@pytest.fixture(scope="session")
def machine() -> Isolation:
    """What this machine allows."""
    return probe()


@pytest.fixture
def state_dir(tmp_path: Path) -> Any:
    yield tmp_path
    end_all(tmp_path)
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture(params=["namespaces", "no-namespaces"])
async def lab(request: pytest.FixtureRequest, state_dir: Path) -> AsyncIterator[Lab]:
    """A node in each of the two ways in which pods can be isolated."""
    isolation = probe(state_dir)
    if request.param == "no-namespaces":
        isolation = without_namespaces(isolation)
    elif not isolation.namespaces:
        pytest.skip("this machine refuses namespaces")
    async for started in _started(state_dir, isolation, warm=False):
        yield started


@pytest.fixture
async def one_lab(state_dir: Path) -> AsyncIterator[Lab]:
    """A node with what this machine allows, where the way of isolation does not matter."""
    async for started in _started(state_dir, probe(state_dir), warm=False):
        yield started


@pytest.fixture
async def warm_lab(state_dir: Path) -> AsyncIterator[Lab]:
    """A node with its warm parent ready."""
    async for started in _started(state_dir, probe(state_dir), warm=True):
        yield started


async def _started(state_dir: Path, isolation: Isolation, *, warm: bool) -> AsyncIterator[Lab]:
    lab = Lab(state_dir, isolation, warm=warm)
    await lab.start()
    yield lab
    await lab.close()


def alive(pid: int) -> bool:
    """Say whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
