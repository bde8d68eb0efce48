"""How long and how much the server waits for from a client that does not finish what it says.

Uvicorn bounds only the time between requests. Upstream's bounds are those of Go's ``http.Server`` as
kube-apiserver sets it (``pkg/server/secure_serving.go``) and of its request timeout, v1.33.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Awaited = Literal["", "head", "body"]

_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: 35\r\n\r\n"
    b"431 Request Header Fields Too Large"
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long parts of a request may take.

    Attributes
    ----------
    head_s : float
        From the first byte of a request, or from the connection's start, to the end of its headers.
    body_s : float
        From the end of the headers to the end of the body.
    """

    head_s: float = 32.0
    body_s: float = 60.0


_LONGEST_SPLIT = 65_535
HEAD_LIMIT_BYTES = 1024 * 1024
"""The most that request line and headers may take (Go: DefaultMaxHeaderBytes)."""


class WatchedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol that knows since when it waits for which part of a request."""

    awaited: Awaited = "head"
    since = 0.0
    _head_bytes = 0

    def is_late(self, patience: Patience) -> bool:
        """Say whether the client has been waited for long enough; not while it is the client that waits."""
        answering = self.cycle is not None and not self.cycle.response_complete
        if not self.awaited or self.pipeline or (self.awaited == "head" and answering):
            return False
        allowed = patience.head_s if self.awaited == "head" else patience.body_s
        return self.loop.time() - self.since > allowed

    def data_received(self, data: bytes) -> None:
        """Take what the client says, but no head without end."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.awaited == "head":
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT_BYTES and not self.transport.is_closing():
                self._refuse_head()

    def on_message_begin(self) -> None:
        """Begin to wait for a head."""
        self.awaited, self.since, self._head_bytes = "head", self.loop.time(), 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Wait for the body; take a long query away from the URL, which httptools would refuse to split."""
        self.awaited, self.since = "body", self.loop.time()
        query = b""
        if len(self.url) > _LONGEST_SPLIT:
            self.url, _, query = self.url.partition(b"?")
        super().on_headers_complete()
        if query:
            self.scope["query_string"] = query

    def on_message_complete(self) -> None:
        """Wait for nothing."""
        self.awaited = ""
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, but answer the whole request before it first."""
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            super().send_400_response(msg)
            return
        self.cycle.keep_alive = False
        self.flow.pause_reading()

    def _refuse_head(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_TOO_LONG)
        self.transport.close()
