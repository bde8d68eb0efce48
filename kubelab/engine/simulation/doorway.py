"""A `Transport` into a simulation, for callers on any other loop or thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine, Mapping
from typing import Any, TypeVar

from kubelab.client import Response, Transport
from kubelab.engine.simulation.loop import SimulationClosedError, VirtualTimeLoop

T = TypeVar("T")


class Doorway:
    """Requests that enter the simulation's loop one by one, and leave when it has come to rest.

    Parameters
    ----------
    loop : VirtualTimeLoop
        Where the API server runs.
    inner : Transport
        Speaks to it on that loop.
    """

    def __init__(self, loop: VirtualTimeLoop, inner: Transport) -> None:
        self._loop = loop
        self._inner = inner

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """Send one request and return its answer, whatever its status."""
        return await self._enter(self._inner.request(method, path, query, body, content_type))

    async def stream(self, method: str, path: str, query: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """Yield the body of a long answer in chunks as they arrive; raise `ApiError` if it is refused."""
        chunks = self._inner.stream(method, path, query)
        try:
            while (chunk := await self._enter(_next(chunks))) is not None:
                yield chunk
        finally:
            with contextlib.suppress(SimulationClosedError):
                await self._enter(chunks.aclose())

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    async def _enter(self, coroutine: Coroutine[Any, Any, T]) -> T:
        visit = self._loop.admit(coroutine)
        try:
            return await asyncio.wrap_future(visit.outcome)
        except asyncio.CancelledError:
            self._loop.dismiss(visit)
            raise


async def _next(chunks: AsyncGenerator[bytes, None]) -> bytes | None:
    return await anext(chunks, None)
