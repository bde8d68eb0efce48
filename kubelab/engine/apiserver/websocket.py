"""WebSockets over ASGI: a request that is refused or accepted, then binary messages both ways."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]

_NORMAL = 1000


class WebSocket:
    """One WebSocket, from its request on.

    Attributes
    ----------
    protocol : str
        The subprotocol that both sides agreed on.
    """

    def __init__(
        self,
        protocol: str,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        self.protocol = protocol
        self._receive = receive
        self._send = send
        self._open = False

    async def accept(self) -> None:
        """Take the client on."""
        if (await self._receive())["type"] == "websocket.connect":
            await self._send({"type": "websocket.accept", "subprotocol": self.protocol})
            self._open = True

    async def receive(self) -> bytes | None:
        """Return the next message, None once the client has gone."""
        if not self._open:
            return None
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self._open = False
            return None
        data = message.get("bytes")
        return data if data is not None else (message.get("text") or "").encode()

    async def send(self, data: bytes) -> None:
        """Send one message; what a client that has gone should have got is lost."""
        if self._open:
            try:
                await self._send({"type": "websocket.send", "bytes": data})
            except OSError:  # uvicorn's way to say that the client has gone
                self._open = False

    async def close(self) -> None:
        """Say that this was all."""
        if self._open:
            self._open = False
            await self._send({"type": "websocket.close", "code": _NORMAL})
