"""One TLS record for a head and its body, where uvicorn would send two.

Encrypting and sending a record costs more than answering a get; joining the two first is most of a third
of the server's time.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from kubelab.engine.apiserver.patience import WatchedProtocol

_FLUSH_BYTES = 64 * 1024
"""What is gathered at most before it goes to the socket's own flow control."""


class CorkedProtocol(WatchedProtocol):
    """Uvicorn's protocol on a transport that gathers what one turn of the loop writes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        corked = _CorkedTransport(cast("asyncio.Transport", transport), self.loop)
        self.since = self.loop.time()
        super().connection_made(cast("asyncio.Transport", corked))


class _CorkedTransport:
    """A transport; everything but writing and closing is the real one's."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Gather, and send at the end of this turn of the loop or when there is much."""
        if not self._gathered:
            self._loop.call_soon(self._flush)
        self._gathered.append(data)
        self._size += len(data)
        if self._size >= _FLUSH_BYTES:
            self._flush()

    def close(self) -> None:
        """Send what was gathered, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._gathered:
            data = self._gathered[0] if len(self._gathered) == 1 else b"".join(self._gathered)
            self._gathered, self._size = [], 0
            if not self._transport.is_closing():
                self._transport.write(data)
