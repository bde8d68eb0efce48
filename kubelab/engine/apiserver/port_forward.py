"""Port forwarding over a WebSocket.

kubectl tunnels SPDY (KEP-4006): each connection is a pair of streams, one for data and one for an error.
The Python client has two channels for each port instead (``v4.channel.k8s.io``).
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kubelab.engine.apiserver.spdy import (
    Data,
    Decoder,
    Encoder,
    Frame,
    GoAway,
    Ping,
    Reset,
    SpdyError,
    SynReply,
    SynStream,
)
from kubelab.engine.apiserver.websocket import WebSocket
from kubelab.errors import ApiError

_TUNNEL = "SPDY/3.1+portforward.k8s.io"
_CHANNELS = "v4.channel.k8s.io"
PROTOCOLS = (_TUNNEL, _CHANNELS)
_CHUNK = 1 << 15
_PROTOCOL_ERROR = 1
_MAX_WAITING = 64

Dial = Callable[[int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
SendData = Callable[[bytes], Awaitable[None]]


async def serve(socket: WebSocket, dial: Dial, ports: list[int]) -> None:
    """Forward connections until the client has gone."""
    serving = Tunnel(socket, dial) if socket.protocol == _TUNNEL else Channels(socket, dial, ports)
    try:
        await serving.run()
    finally:
        await serving.stop()


class Forwarding:
    """One connection to a port.

    Parameters
    ----------
    send, fail, finish : callable
        Take what the port sends, why it could not be reached, and that it has sent all.
    """

    def __init__(
        self, dial: Dial, port: int, send: SendData, fail: SendData, finish: Callable[[], Awaitable[None]]
    ) -> None:
        self._dial = dial
        self._port = port
        self._send = send
        self._fail = fail
        self._finish = finish
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(_MAX_WAITING)
        self.task = asyncio.create_task(self._run(), name=f"forward port {port}")

    async def write(self, data: bytes) -> None:
        """Send to the port; nothing says that the client has sent all."""
        if not self.task.done():
            putting = asyncio.ensure_future(self._waiting.put(data))
            await asyncio.wait((putting, self.task), return_when=asyncio.FIRST_COMPLETED)
            putting.cancel()

    async def _run(self) -> None:
        try:
            reader, writer = await self._dial(self._port)
        except ApiError as error:
            await self._fail(str(error.status["message"]).encode())
            return
        typing = asyncio.create_task(self._type(writer))
        try:
            with contextlib.suppress(OSError):
                while data := await reader.read(_CHUNK):
                    await self._send(data)
            await self._finish()
        finally:
            typing.cancel()
            await asyncio.gather(typing, return_exceptions=True)
            writer.close()

    async def _type(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await self._waiting.get():
                writer.write(data)
                await writer.drain()
            writer.write_eof()


@dataclass(slots=True)
class _Pair:
    """The streams of one of kubectl's connections; 0 until they are opened."""

    port: int
    data: int = 0
    error: int = 0
    forwarding: Forwarding | None = None


class Tunnel:
    """SPDY in the messages of a WebSocket."""

    def __init__(self, socket: WebSocket, dial: Dial) -> None:
        self._socket = socket
        self._dial = dial
        self._decoder = Decoder()
        self._encoder = Encoder()
        self._pairs: dict[str, _Pair] = {}
        self._by_stream: dict[int, str] = {}
        self._last_stream = 0

    async def run(self) -> None:
        """Serve frames until the client has gone."""
        try:
            while (message := await self._socket.receive()) is not None:
                for frame in self._decoder.decode(message):
                    await self._take(frame)
        except SpdyError:
            await self._send(GoAway(self._last_stream, _PROTOCOL_ERROR))
            await self._socket.close()

    async def stop(self) -> None:
        """End every connection."""
        await _end([pair.forwarding for pair in self._pairs.values()])

    async def _send(self, frame: Frame) -> None:
        await self._socket.send(self._encoder.encode(frame))

    async def _take(self, frame: Frame) -> None:
        match frame:
            case SynStream(stream, headers):
                self._last_stream = stream
                await self._open(stream, {name.lower(): value for name, value in headers.items()})
            case Data(stream, data, fin):
                await self._write(stream, data, fin=fin)
            case Reset(stream):
                await self._reset(stream)
            case Ping(number) if number % 2:
                await self._send(frame)
            case _:
                pass

    async def _open(self, stream: int, headers: dict[str, str]) -> None:
        port, kind = headers.get("port", ""), headers.get("streamtype", "")
        if not port.isdigit() or not 0 < int(port) < 1 << 16 or kind not in {"data", "error"}:
            await self._send(Reset(stream, _PROTOCOL_ERROR))
            return
        number = headers.get("requestid", "")
        pair = self._pairs.setdefault(number, _Pair(int(port)))
        self._by_stream[stream] = number
        await self._send(SynReply(stream))
        if kind == "error":
            pair.error = stream
        else:
            pair.data = stream
        if pair.data and pair.error and pair.forwarding is None:
            pair.forwarding = self._forward(pair, number)

    def _forward(self, pair: _Pair, number: str) -> Forwarding:
        async def send(data: bytes) -> None:
            await self._send(Data(pair.data, data))

        async def fail(message: bytes) -> None:
            await self._send(Data(pair.error, message))
            await finish()

        async def finish() -> None:
            await self._send(Data(pair.data, b"", fin=True))
            await self._send(Data(pair.error, b"", fin=True))
            self._forget(number)

        return Forwarding(self._dial, pair.port, send, fail, finish)

    def _forget(self, number: str) -> None:
        pair = self._pairs.pop(number, None)
        if pair:
            self._by_stream.pop(pair.data, None)
            self._by_stream.pop(pair.error, None)

    async def _write(self, stream: int, data: bytes, *, fin: bool) -> None:
        pair = self._pairs.get(self._by_stream.get(stream, ""))
        if pair is None or stream != pair.data or pair.forwarding is None:
            return
        if data:
            await pair.forwarding.write(data)
        if fin:
            await pair.forwarding.write(b"")

    async def _reset(self, stream: int) -> None:
        number = self._by_stream.get(stream, "")
        pair = self._pairs.get(number)
        if pair and stream == pair.data:
            self._forget(number)
            await _end([pair.forwarding])


class Channels:
    """Two channels for each port, one for data and one for an error; each begins with the port's number."""

    def __init__(self, socket: WebSocket, dial: Dial, ports: list[int]) -> None:
        self._socket = socket
        self._dial = dial
        self._ports = ports
        self._forwardings: list[Forwarding] = []

    async def run(self) -> None:
        """Connect every port, and pass messages on until the client has gone."""
        for number, port in enumerate(self._ports):
            for channel in (2 * number, 2 * number + 1):
                await self._socket.send(struct.pack("<BH", channel, port))
            self._forwardings.append(self._forward(2 * number, port))
        while (message := await self._socket.receive()) is not None:
            number, kind = divmod(message[0], 2) if message else (0, 1)
            if kind == 0 and len(message) > 1 and number < len(self._forwardings):
                await self._forwardings[number].write(message[1:])

    async def stop(self) -> None:
        """End every connection."""
        await _end(list(self._forwardings))

    def _forward(self, channel: int, port: int) -> Forwarding:
        async def send(data: bytes) -> None:
            await self._socket.send(bytes((channel,)) + data)

        async def fail(message: bytes) -> None:
            await self._socket.send(bytes((channel + 1,)) + message)
            await finish()

        async def finish() -> None:
            if all(each.task.done() or each.task is asyncio.current_task() for each in self._forwardings):
                await self._socket.close()

        return Forwarding(self._dial, port, send, fail, finish)


async def _end(forwardings: list[Forwarding | None]) -> None:
    tasks = [each.task for each in forwardings if each]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
