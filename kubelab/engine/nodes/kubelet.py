"""A node's HTTPS face: what a real kube-apiserver asks a kubelet for.

Only kube-apiserver is let in, by its client certificate. Each path of the kubelet that is served
(pkg/kubelet/server/server.go, v1.37) has a method in `KubeletFace.routes`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from kubelab.client import PODS, Client
from kubelab.engine.apiserver.asgi import Message, Receive, Send, send_answer
from kubelab.engine.apiserver.pod_logs import NodeHandler, begin_log, log_options
from kubelab.engine.apiserver.requests import Answer, Reply, Request, User
from kubelab.errors import ApiError

_TEXT = "text/plain"
_KUBE_API_SERVER = User("kube-apiserver")
Handler = Callable[[Request, list[str]], Awaitable[Answer]]


class KubeletFace:
    """Serves a node.

    Parameters
    ----------
    client : Client
        Acts as the node.
    node : NodeHandler
        What does the work.
    """

    def __init__(self, client: Client, node: NodeHandler) -> None:
        self._client = client
        self._node = node
        self.routes: dict[str, Handler] = {"containerLogs": self._logs, "healthz": self._health}

    async def asgi(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; a refusal is plain text, which kube-apiserver wraps in a ``Status``."""
        if scope["type"] != "http":
            return
        _, route, *parts = scope["path"].split("/")
        handler = self.routes.get(route)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        request = Request(scope["method"], scope["path"], query, b"", _KUBE_API_SERVER)
        try:
            answer = await handler(request, parts) if handler else _text(404, "404 page not found")
        except ApiError as error:
            answer = _text(error.code, error.message)
        await send_answer(answer, receive, send)

    async def _logs(self, request: Request, parts: list[str]) -> Answer:
        """``/containerLogs/NAMESPACE/POD/CONTAINER``."""
        if len(parts) != 3:
            return _text(404, "404 page not found")
        namespace, name, container = parts
        pod = await self._client.get(PODS, name, namespace)
        return await begin_log(self._node.logs(pod, container, log_options(request, name)))

    async def _health(self, _request: Request, _parts: list[str]) -> Answer:
        return _text(200, "ok")


def _text(status: int, text: str) -> Reply:
    return Reply(status, text.encode(), content_type=_TEXT)
