"""A `Transport` that calls the server directly: same requests, same answers, no socket."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing

import orjson

from kubelab.client import Response
from kubelab.engine.apiserver.requests import JSON, Answer, Reply, Request, Upgrade, User
from kubelab.engine.apiserver.status import upgrade_required
from kubelab.errors import ApiError


class InProcessTransport:
    """Requests to a server in this process and loop, as one user."""

    def __init__(self, handle: Callable[[Request], Awaitable[Answer]], user: User) -> None:
        self._handle = handle
        self.user = user

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None = None,
        content_type: str = JSON,
    ) -> Response:
        """Send one request and return its answer, whatever its status."""
        answer = await self._handle(self._request(method, path, query, body, content_type))
        if isinstance(answer, Reply):
            return Response(answer.status, answer.whole(), answer.content_type)
        if isinstance(answer, Upgrade):
            raise upgrade_required()
        async with aclosing(answer.chunks) as chunks:
            return Response(200, b"".join([chunk async for chunk in chunks]), answer.content_type)

    async def stream(self, method: str, path: str, query: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """Yield the body of a long answer in chunks as they arrive; raise `ApiError` if it is refused."""
        answer = await self._handle(self._request(method, path, query, None, JSON))
        if isinstance(answer, Reply):
            if answer.status >= 400:
                raise ApiError.of(orjson.loads(answer.whole()))
            yield answer.whole()
            return
        if isinstance(answer, Upgrade):
            raise upgrade_required()
        async with aclosing(answer.chunks) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def _request(
        self, method: str, path: str, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Request:
        return Request(method, path, query, body or b"", self.user, content_type, user_agent=self.user.name)
