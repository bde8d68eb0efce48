"""A real API server in process, with the real controllers; the test plays the nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from kubelab.client import NAMESPACES, PODS, Client, Object, Resource, Response, Transport
from kubelab.clock import RealClock, rfc3339
from kubelab.engine.apiserver.app import ApiServer
from kubelab.engine.bootstrap import bootstrap
from kubelab.engine.controllers.registry import Controllers
from kubelab.errors import ApiError, NotFoundError
from kubelab.informer import Informers

SERVER_URL = "https://127.0.0.1:6443"


class HeldWatches:
    """A transport whose watches of pods stand still while `open` is not set."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.open = asyncio.Event()

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Response:
        return await self.transport.request(method, path, query, body, content_type)

    async def stream(self, method: str, path: str, query: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        async with aclosing(self.transport.stream(method, path, query)) as chunks:
            async for chunk in chunks:
                if path.endswith("/pods"):
                    await self.open.wait()
                yield chunk

    async def close(self) -> None:
        await self.transport.close()


class Lab:
    """A cluster without scheduler and nodes."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.client: Client = server.client("system:masters")
        self.informers = Informers(server.client("system:test"))
        self.clock = RealClock()
        self._running: asyncio.Task[None] | None = None
        self._caches: Informers | None = None

    async def start_controllers(self, transport: Transport | None = None) -> None:
        client = self.server.client("system:informers")
        self._caches = Informers(Client(transport) if transport else client)
        controllers = Controllers(
            self.server.client,
            self._caches,
            self.clock,
            server_url=SERVER_URL,
            ca_pem="CERTIFICATE",
            api_url=SERVER_URL,
        )
        self._running = asyncio.create_task(controllers.run())

    async def stop_controllers(self) -> None:
        if self._running is not None and self._caches is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            await self._caches.stop()
            self._running = None

    async def until(
        self, resource: Resource, holds: Callable[[dict[str, Object]], Any], *, namespace: str = "default"
    ) -> Any:
        """Wait until something holds of the objects of a resource (in one namespace) and return it."""
        informer = self.informers.of(resource)
        changed = asyncio.Event()
        informer.subscribe(lambda _old, _new: changed.set())
        await self.informers.start()
        async with asyncio.timeout(20):
            while True:
                changed.clear()
                found = holds(
                    {name: obj for (space, name), obj in informer.objects.items() if space in (namespace, "")}
                )
                if found:
                    return found
                await changed.wait()

    async def pods(self, number: int) -> list[Object]:
        """Wait for a number of live pods."""
        return list(
            await self.until(PODS, lambda pods: _alive(pods) if len(_alive(pods)) == number else None)
        )

    async def condition(self, resource: Resource, name: str, type_: str) -> Object:
        """Wait for an object's condition to be True and return it."""

        def holds(objects: dict[str, Object]) -> Object | None:
            listed = (objects.get(name, {}).get("status") or {}).get("conditions") or ()
            return next((each for each in listed if each["type"] == type_ and each["status"] == "True"), None)

        found: Object = await self.until(resource, holds)
        return found

    async def gone(self, resource: Resource, name: str) -> None:
        """Wait until an object is no more."""
        await self.until(resource, lambda objects: name not in objects)

    async def set_phase(self, pod: Object, phase: str, *, exit_code: int | None = None) -> None:
        """Play the node: run a pod or end it."""
        meta = pod["metadata"]
        if not pod["spec"].get("nodeName"):
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]}}
            target = {"apiVersion": "v1", "kind": "Node", "name": "node"}
            try:
                await self.client.create(
                    PODS,
                    {**binding, "target": target},
                    meta["namespace"],
                    subresource_of=meta["name"],
                    subresource="binding",
                )
            except ApiError as error:
                if error.code != 409:
                    raise
        code = exit_code if exit_code is not None else int(phase == "Failed")
        state: Object = {"running": {"startedAt": rfc3339(self.clock.now())}}
        if phase != "Running":
            state = {"terminated": {"exitCode": code, "finishedAt": rfc3339(self.clock.now())}}
        name = pod["spec"]["containers"][0]["name"]
        ready = "True" if phase == "Running" else "False"
        status = {
            "phase": phase,
            "podIP": "127.1.0.1",
            "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [
                {
                    "name": name,
                    "state": state,
                    "restartCount": 0,
                    "ready": phase == "Running",
                    "image": "",
                    "imageID": "",
                }
            ],
        }
        await self.client.patch(
            PODS, meta["name"], {"status": status}, meta["namespace"], subresource="status"
        )

    async def play_node(self) -> None:
        """End pods that are being deleted, as their node would, until cancelled."""
        informer = self.informers.of(PODS)
        going: asyncio.Queue[Object] = asyncio.Queue()

        def changed(_old: Object | None, new: Object | None) -> None:
            if new is not None and new["metadata"].get("deletionTimestamp") and new["spec"].get("nodeName"):
                going.put_nowait(new)

        informer.subscribe(changed)
        await self.informers.start()
        while True:
            pod = await going.get()
            meta = pod["metadata"]
            try:
                if pod["status"].get("phase") in ("Pending", "Running"):
                    await self.set_phase(pod, "Failed", exit_code=143)
                await self.client.delete(PODS, meta["name"], meta["namespace"], grace_period_seconds=0)
            except NotFoundError:
                continue


def _alive(pods: dict[str, Object]) -> list[Object]:
    return [
        pod
        for _, pod in sorted(pods.items())
        if pod["status"].get("phase") in ("Pending", "Running") and "deletionTimestamp" not in pod["metadata"]
    ]


@asynccontextmanager
async def running_lab(folder: Path) -> AsyncIterator[Lab]:
    server = ApiServer(folder, RealClock(), token="token")
    await server.start()
    lab = Lab(server)
    await bootstrap(lab.client, lab.clock)
    await lab.start_controllers()
    node = asyncio.create_task(lab.play_node())
    try:
        await lab.until(NAMESPACES, lambda namespaces: "default" in namespaces)
        yield lab
    finally:
        node.cancel()
        await asyncio.gather(node, return_exceptions=True)
        await lab.stop_controllers()
        await lab.informers.stop()
        await server.stop()
