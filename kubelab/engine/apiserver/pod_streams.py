"""exec, attach and portforward of a pod: what a node must offer, and the subresources that pass requests on.

Where upstream's API server proxies to a kubelet, this one asks the node itself; `remote_command` and
`port_forward` speak with the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from kubelab.client import Object
from kubelab.engine.apiserver.authorization import Authorizer
from kubelab.engine.apiserver.objects import Objects
from kubelab.engine.apiserver.pod_logs import container_of
from kubelab.engine.apiserver.requests import TRUE, Answer, Request, Target, Upgrade
from kubelab.engine.apiserver.status import bad_request, method_not_allowed, not_found
from kubelab.engine.apiserver.websocket import WebSocket


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """``v1`` PodExecOptions and PodAttachOptions; the latter has no command."""

    command: tuple[str, ...] = ()
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False


class PodSession(Protocol):
    """The streams of a command in a pod."""

    def output(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield ``("stdout" or "stderr", data)`` until the command has ended."""
        ...

    async def write(self, data: bytes) -> None:
        """Write to its standard input."""
        ...

    def close_stdin(self) -> None:
        """End its standard input."""
        ...

    def resize(self, width: int, height: int) -> None:
        """Set the size of its terminal."""
        ...

    async def exit_code(self) -> int | None:
        """Return its exit code; None if nobody saw it end."""
        ...

    async def close(self) -> None:
        """End the command, if it has not ended, with all that it started."""
        ...


@runtime_checkable
class StreamHandler(Protocol):
    """What the API server asks a node for; each method may raise `ApiError`."""

    def check_running(self, pod: Object, container: str) -> None:
        """Refuse a container that does not run."""
        ...

    async def exec(self, pod: Object, container: str, options: StreamOptions) -> PodSession:
        """Run a command in a container."""
        ...

    async def attach(self, pod: Object, container: str, options: StreamOptions) -> PodSession:
        """Join the streams of a container's own process."""
        ...

    async def connect(self, pod: Object, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection to a port of the pod."""
        ...


class PodStreams:
    """Answers ``pods/NAME/exec``, ``attach`` and ``portforward``."""

    def __init__(self, objects: Objects, authorizer: Authorizer) -> None:
        self.objects = objects
        self.authorizer = authorizer
        self.nodes: dict[str, StreamHandler] = {}

    def answer(self, request: Request, target: Target) -> Answer:
        """Return what serves the client once it has a WebSocket.

        Raises
        ------
        ApiError
            If the pod, its container or the user's rights do not allow it.
        """
        if request.method not in {"GET", "POST"}:
            raise method_not_allowed()
        # Reading alone does not suffice, although WebSockets begin with a GET (upstream's issue 133515).
        self.authorizer.check(replace(request, method="POST"), target)
        stored = self.objects.latest(target.kind, target.key)
        if stored is None:
            raise not_found(target.resource, target.name)
        pod = stored.object()
        if target.subresource == "portforward":
            return self._port_forward(request, pod)
        return self._session(request, target.subresource, pod)

    def _session(self, request: Request, subresource: str, pod: Object) -> Answer:
        container = container_of(pod, request.query.get("container", ""))
        return session(self._node(pod), subresource, pod, container, _options(request))

    def _port_forward(self, request: Request, pod: Object) -> Answer:
        node = self._node(pod)
        ports = [port_number(text) for text in request.values("ports") for text in text.split(",")]
        return port_forwarding(node, pod, ports)

    def _node(self, pod: Object) -> StreamHandler:
        name = pod["spec"].get("nodeName", "")
        if not name:
            raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")
        node = self.nodes.get(name)
        if node is None:
            raise bad_request(
                f"pod {pod['metadata']['name']} cannot be reached: "
                f'its node "{name}" is simulated, or not of this machine'
            )
        return node


def session(
    node: StreamHandler, subresource: str, pod: Object, container: str, options: StreamOptions
) -> Upgrade:
    """Return what serves ``exec`` or ``attach`` in a container.

    Raises
    ------
    ApiError
        400 if the options make no sense, 500 if the container does not run.
    """
    from kubelab.engine.apiserver.remote_command import PROTOCOLS, serve_session

    if not (options.stdin or options.stdout or options.stderr):
        raise bad_request("you must specify at least 1 of stdin, stdout, stderr")
    if subresource == "exec" and not options.command:
        raise bad_request("you must specify at least 1 command for the container")
    node.check_running(pod, container)

    async def start() -> PodSession:
        begin = node.exec if subresource == "exec" else node.attach
        return await begin(pod, container, options)

    async def serve(socket: WebSocket) -> None:
        await serve_session(socket, start, options)

    return Upgrade(PROTOCOLS, serve)


def port_forwarding(node: StreamHandler, pod: Object, ports: list[int]) -> Upgrade:
    """Return what connects a client to ports of a pod."""
    from kubelab.engine.apiserver import port_forward

    async def dial(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await node.connect(pod, port)

    async def serve(socket: WebSocket) -> None:
        await port_forward.serve(socket, dial, ports)

    return Upgrade(port_forward.PROTOCOLS, serve)


def _options(request: Request) -> StreamOptions:
    tty = request.flag("tty")
    return StreamOptions(
        command=request.values("command"),
        stdin=request.flag("stdin"),
        stdout=request.query.get("stdout", "true") in TRUE,
        stderr=request.query.get("stderr", "true") in TRUE and not tty,
        tty=tty,
    )


def port_number(text: str) -> int:
    """Return the number of a port.

    Raises
    ------
    ApiError
        400 if it is none.
    """
    if text.isdigit() and 0 < int(text) < 1 << 16:
        return int(text)
    raise bad_request(f'unable to parse "{text}" as a port')
