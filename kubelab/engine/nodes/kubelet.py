"""A node's HTTPS face: what a real kube-apiserver asks a kubelet for.

Only kube-apiserver is let in, by its client certificate. Each path of the kubelet that is served
(pkg/kubelet/server/server.go, v1.37) has a method in `KubeletFace.routes`. Streams need a WebSocket, which
kube-apiserver passes on as it is to a node that declares `WEBSOCKETS`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from kubelab.client import PODS, Client, Object
from kubelab.engine.apiserver.asgi import Message, Receive, Send, bodiless, refusal, send_answer, send_upgrade
from kubelab.engine.apiserver.pod_logs import NodeHandler, begin_log, log_options
from kubelab.engine.apiserver.pod_streams import (
    StreamHandler,
    StreamOptions,
    port_forwarding,
    port_number,
    session,
)
from kubelab.engine.apiserver.requests import Answer, Reply, Request, User
from kubelab.errors import ApiError

WEBSOCKETS = "ExtendWebSocketsToKubelet"
"""The feature that a Node declares whose kubelet takes WebSockets (pkg/features/kube_features.go, v1.37)."""

SERVED_ADDRESS = "InternalDNS"
"""The type of address of nodes that are served; simulated ones have none, so kube-apiserver calls nobody."""

_STREAMS = ("exec", "attach", "portForward")
_TEXT = "text/plain"
_KUBE_API_SERVER = User("kube-apiserver")
Handler = Callable[[Request, list[str]], Awaitable[Answer]]


class Node(NodeHandler, StreamHandler, Protocol):
    """What a node must offer to be served."""


class KubeletFace:
    """Serves a node.

    Parameters
    ----------
    client : Client
        Acts as the node.
    node : Node
        What does the work.
    """

    def __init__(self, client: Client, node: Node) -> None:
        self._client = client
        self._node = node
        self.routes: dict[str, Handler] = {
            "containerLogs": self._logs,
            "exec": lambda request, parts: self._session(request, "exec", parts),
            "attach": lambda request, parts: self._session(request, "attach", parts),
            "portForward": self._port_forward,
            "healthz": self._health,
        }

    async def asgi(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request or WebSocket."""
        if scope["type"] == "websocket":
            await send_upgrade(await self._answer(scope), scope, receive, send)
        elif scope["type"] == "http":
            await send_answer(await self._answer(scope), receive, send)

    async def _answer(self, scope: Message) -> Answer:
        _, route, *parts = scope["path"].split("/")
        handler = self.routes.get(route)
        try:
            return (
                await handler(bodiless(scope, _KUBE_API_SERVER), parts)
                if handler
                else _text(404, "404 page not found")
            )
        except ApiError as error:
            # kube-apiserver puts text into a Status, but what refuses an upgrade reaches the client as it is.
            return refusal(error) if route in _STREAMS else _text(error.code, error.message)

    async def _logs(self, request: Request, parts: list[str]) -> Answer:
        """``/containerLogs/NAMESPACE/POD/CONTAINER``."""
        if len(parts) != 3:
            return _text(404, "404 page not found")
        pod, container = await self._pod(parts), parts[2]
        return await begin_log(self._node.logs(pod, container, log_options(request, parts[1])))

    async def _session(self, request: Request, subresource: str, parts: list[str]) -> Answer:
        """``/exec/NAMESPACE/POD/CONTAINER`` and the same of ``attach``."""
        if len(parts) != 3:
            return _text(404, "404 page not found")
        return session(self._node, subresource, await self._pod(parts), parts[2], _options(request))

    async def _port_forward(self, request: Request, parts: list[str]) -> Answer:
        """``/portForward/NAMESPACE/POD``."""
        if len(parts) != 2:
            return _text(404, "404 page not found")
        ports = [port_number(text) for text in request.query.get("port", "").split(",") if text]
        return port_forwarding(self._node, await self._pod(parts), ports)

    async def _health(self, _request: Request, _parts: list[str]) -> Answer:
        return _text(200, "ok")

    async def _pod(self, parts: list[str]) -> Object:
        return await self._client.get(PODS, parts[1], parts[0])


def _options(request: Request) -> StreamOptions:
    """Return what kube-apiserver asks for: the names are not those of its own parameters."""
    tty = request.flag("tty")
    return StreamOptions(
        command=request.values("command"),
        stdin=request.flag("input"),
        stdout=request.flag("output"),
        stderr=request.flag("error") and not tty,
        tty=tty,
    )


def _text(status: int, text: str) -> Reply:
    return Reply(status, text.encode(), content_type=_TEXT)
