"""The HTTP face of the server: a bare ASGI application that reads requests and writes answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qsl

from kubelab.engine.apiserver.auth import Authenticator
from kubelab.engine.apiserver.bodies import LIMIT_BYTES
from kubelab.engine.apiserver.disturbance import Disturbance
from kubelab.engine.apiserver.impersonation import Impersonation
from kubelab.engine.apiserver.origins import Origins
from kubelab.engine.apiserver.requests import JSON, Answer, Reply, Request, Stream, Upgrade, User
from kubelab.engine.apiserver.status import bad_request, encoded, too_large, upgrade_required
from kubelab.engine.apiserver.warning_headers import warning_headers
from kubelab.engine.apiserver.websocket import WebSocket
from kubelab.errors import ApiError

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_JSON_HEADER = (b"content-type", JSON.encode())
_PIECE_BYTES = 256 * 1024
_HEADERS = (b"authorization", b"content-type", b"accept", b"user-agent")
_IMPERSONATION = b"impersonate-"


class DisconnectedError(Exception):
    """The client went away before its request was complete."""


class HttpFace:
    """One ASGI application.

    Parameters
    ----------
    authenticator : Authenticator
        From headers to the user.
    impersonation : Impersonation
        From the user to whom they speak for.
    handle : callable
        The server.
    disturbance : Disturbance
        What requests meet on their way.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        impersonation: Impersonation,
        handle: Callable[[Request], Awaitable[Answer]],
        disturbance: Disturbance,
    ) -> None:
        self._authenticator = authenticator
        self._impersonation = impersonation
        self._handle = handle
        self._disturbance = disturbance
        self._origins = Origins()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request or WebSocket."""
        if scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        try:
            request = await self._request(scope, receive)
            await self._disturbance.meet(request)
            answer = await self._handle(request)
        except DisconnectedError:
            return
        except ApiError as error:
            answer = refusal(error)
        await send_answer(answer, receive, send)

    async def _serve_websocket(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            answer = await self._handle(await self._request({**scope, "method": "GET"}, receive))
        except ApiError as error:
            answer = refusal(error)
        await send_upgrade(answer, scope, receive, send)

    async def _request(self, scope: Message, receive: Receive) -> Request:
        self._origins.check(scope["headers"])
        found = dict.fromkeys(_HEADERS, b"")
        impersonation = None
        for name, value in scope["headers"]:
            if name in found:
                found[name] = value
            elif name.startswith(_IMPERSONATION):
                impersonation = scope["headers"]
        method, path, query = scope["method"], scope["path"], scope["query_string"]
        user = self._authenticator.user(found[b"authorization"], path)
        if impersonation is not None:
            user = self._impersonation.impersonated(user, impersonation)
        return Request(
            method,
            path,
            dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else {},
            b"" if method == "GET" else await read_body(receive),
            user,
            found[b"content-type"].decode("latin-1"),
            found[b"accept"].decode("latin-1"),
            found[b"user-agent"].decode("latin-1"),
            query,
        )


def bodiless(scope: Message, user: User) -> Request:
    """Return a request whose body, if it has any, is of no interest."""
    query: bytes = scope["query_string"]
    return Request(
        scope.get("method", "GET"),  # a WebSocket's
        scope["path"],
        dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)),
        b"",
        user,
        accept=dict(scope["headers"]).get(b"accept", b"").decode("latin-1"),
        query_string=query,
    )


async def send_answer(answer: Answer, receive: Receive, send: Send) -> None:
    """Send a whole answer, or a stream until it or the client ends; exec and its like need a WebSocket."""
    if isinstance(answer, Upgrade):
        answer = refusal(upgrade_required())
    if isinstance(answer, Reply):
        await _send_reply(answer, send)
    else:
        await _send_stream(answer, receive, send)


async def send_upgrade(answer: Answer, scope: Message, receive: Receive, send: Send) -> None:
    """Serve a WebSocket, or refuse it by an HTTP answer."""
    if isinstance(answer, Stream):
        await answer.chunks.aclose()
    if isinstance(answer, Stream) or (isinstance(answer, Reply) and answer.status < 400):
        answer = refusal(bad_request("this is not served over WebSockets: send a plain request"))
    if isinstance(answer, Reply):
        await _send_reply(answer, send, prefix="websocket.http.response")
        return
    offered: list[str] = scope["subprotocols"]
    agreed = next((protocol for protocol in answer.protocols if protocol in offered), None)
    if agreed is None:
        sides = f"client supports [{' '.join(offered)}], server accepts [{' '.join(answer.protocols)}]"
        text = f"unable to upgrade: unable to negotiate protocol: {sides}"
        refused = Reply(403, text.encode(), content_type="text/plain; charset=utf-8")
        await _send_reply(refused, send, prefix="websocket.http.response")
        return
    socket = WebSocket(agreed, receive, send)
    await socket.accept()
    await answer.serve(socket)


async def read_body(receive: Receive) -> bytes:
    """Return a request's body.

    Raises
    ------
    ApiError
        413 if it is larger than Kubernetes takes.
    """
    message = await receive()
    if message["type"] == "http.disconnect":
        raise DisconnectedError
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LIMIT_BYTES:
            raise too_large(LIMIT_BYTES)
    return b"".join(parts)


def refusal(error: ApiError) -> Reply:
    """Return the answer that carries an error's ``Status``."""
    return Reply(error.code, encoded(error.status))


async def _send_reply(reply: Reply, send: Send, prefix: str = "http.response") -> None:
    size = len(reply.body) if reply.pieces is None else sum(map(len, reply.pieces))
    kind = _JSON_HEADER if reply.content_type is JSON else (b"content-type", reply.content_type.encode())
    headers = [kind, (b"content-length", b"%d" % size), *reply.headers]
    if reply.warnings:
        headers += warning_headers(reply.warnings)
    await send({"type": f"{prefix}.start", "status": reply.status, "headers": headers})
    if reply.pieces is not None:
        for chunk in _chunks(reply.pieces):
            await send({"type": f"{prefix}.body", "body": chunk, "more_body": True})
    await send({"type": f"{prefix}.body", "body": reply.body})


def _chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces joined to chunks, so that a long list is never in memory twice."""
    group: list[bytes] = []
    size = 0
    for piece in pieces:
        group.append(piece)
        size += len(piece)
        if size >= _PIECE_BYTES:
            yield b"".join(group)
            group, size = [], 0
    yield b"".join(group)


async def _send_stream(stream: Stream, receive: Receive, send: Send) -> None:
    """Send chunks until they or the client end."""
    sending = asyncio.ensure_future(_send_chunks(stream, send))
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        if not sending.done():
            sending.cancel()
        await asyncio.gather(sending, gone, return_exceptions=True)
    if not sending.cancelled() and (error := sending.exception()) is not None:
        raise error


async def _send_chunks(stream: Stream, send: Send) -> None:
    headers = [(b"content-type", stream.content_type.encode()), (b"cache-control", b"no-cache, private")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    chunks: AsyncGenerator[bytes, None] = stream.chunks
    async with aclosing(chunks):
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
