"""A load generator: many kept-alive TLS connections, as little work on each request as possible."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import orjson

from kubelab.client import Object
from kubelab.clock import monotonic

CONNECTIONS = 64
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_UNKNOWN = 1 << 62


class RefusedError(Exception):
    """The server answered with an error."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server to send requests to."""

    port: int
    token: str
    ca_file: Path

    def request(self, method: str, path: str, body: object = None) -> bytes:
        """Return a request as bytes, with the body as JSON."""
        data = b"" if body is None else orjson.dumps(body)
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Authorization: Bearer {self.token}\r\nAccept: application/json\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        return head.encode() + data

    async def send(self, requests: Sequence[bytes], connections: int = CONNECTIONS) -> float:
        """Send all requests over open connections; returns how many seconds that took."""
        senders = await self._open(iter(requests), min(connections, len(requests)))
        started = monotonic()
        for sender in senders:
            sender.send()
        await asyncio.gather(*(sender.done for sender in senders))
        return monotonic() - started

    async def get(self, path: str) -> Object:
        """Get and parse one document, over a connection of its own."""
        (sender,) = await self._open(iter([self.request("GET", path)]), 1)
        sender.send()
        await sender.done
        document: Object = orjson.loads(sender.body)
        return document

    async def _open(self, requests: Iterator[bytes], connections: int) -> list[Sender]:
        loop = asyncio.get_running_loop()
        tls = ssl.create_default_context(cafile=str(self.ca_file))
        senders = [Sender(requests, loop.create_future()) for _ in range(connections)]
        for sender in senders:
            await loop.create_connection(lambda s=sender: s, "127.0.0.1", self.port, ssl=tls)
        return senders


class Sender(asyncio.Protocol):
    """One connection: sends a request, waits for its answer, sends the next."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self.done = done
        self._body = b""
        self._chunked = False
        self._requests = requests
        self._transport: asyncio.Transport | None = None
        self._chunks: list[bytes] = []
        self._missing = 0

    @property
    def body(self) -> bytes:
        """The last answer's body."""
        body = self._body.partition(b"\r\n\r\n")[2]
        return _joined(body) if self._chunked else body

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take in a part of the answer; at its end send the next request."""
        if self._missing:
            self._chunks.append(data)
            self._missing -= len(data)
            if self._chunked:
                tail = data if len(data) >= len(_LAST_CHUNK) else b"".join(self._chunks[-8:])
                self._missing = 0 if tail.endswith(_LAST_CHUNK) else _UNKNOWN
        else:
            self._begin(b"".join((*self._chunks, data)))
        if self._chunks and not self._missing:
            self._body = b"".join(self._chunks)
            self._chunks = []
            self.send()

    def _begin(self, data: bytes) -> None:
        """Take in an answer's head, and as much of its body as came with it."""
        self._chunks = []
        end = data.find(b"\r\n\r\n")
        head = data[:end].lower()
        if end < 0 or not head.startswith((b"http/1.1 200", b"http/1.1 201")):
            self._fail(RefusedError(data.decode(errors="replace")))
            return
        self._chunked = b"transfer-encoding: chunked" in head
        if self._chunked:
            self._missing = 0 if data.endswith(_LAST_CHUNK) else _UNKNOWN
            self._chunks = [data]
            return
        at = head.index(b"content-length: ") + 16
        stop = head.find(b"\r\n", at)
        self._missing = end + 4 + int(head[at : stop if stop >= 0 else None]) - len(data)
        self._chunks = [data]

    def connection_lost(self, error: Exception | None) -> None:
        """Tell that the connection ended early."""
        self._fail(error or ConnectionResetError("the server closed the connection"))

    def send(self) -> None:
        """Send the next request, or end if there is none."""
        assert self._transport is not None
        request = next(self._requests, None)
        if request is not None:
            self._transport.write(request)
            return
        if not self.done.done():
            self.done.set_result(None)
        self._transport.close()

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


def _joined(chunked: bytes) -> bytes:
    """Return what a body in chunks holds."""
    parts, at = [], 0
    while True:
        end = chunked.index(b"\r\n", at)
        size = int(chunked[at:end], 16)
        if not size:
            return b"".join(parts)
        parts.append(chunked[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
