"""Port forwarding to a real server on loopback, by both protocols."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kubelab.engine.apiserver import port_forward
from kubelab.engine.apiserver.spdy import (
    Data,
    Decoder,
    Encoder,
    Frame,
    GoAway,
    Ping,
    Reset,
    SynReply,
    SynStream,
)
from kubelab.engine.apiserver.status import failure
from kubelab.engine.apiserver.websocket import WebSocket


class Client:
    """The other end of a WebSocket."""

    def __init__(self, protocol: str) -> None:
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.got: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent.put_nowait({"type": "websocket.connect"})
        self.socket = WebSocket(protocol, self.sent.get, self.got.put)
        self.encoder, self.decoder = Encoder(), Decoder()
        self.frames: list[Frame] = []

    def say(self, data: bytes) -> None:
        self.sent.put_nowait({"type": "websocket.receive", "bytes": data})

    def send(self, *frames: Frame) -> None:
        self.say(b"".join(self.encoder.encode(frame) for frame in frames))

    def leave(self) -> None:
        self.sent.put_nowait({"type": "websocket.disconnect"})

    async def message(self) -> dict[str, Any]:
        while (message := await asyncio.wait_for(self.got.get(), 30))["type"] == "websocket.accept":
            pass
        return message

    async def until(self, wanted: Frame) -> list[Frame]:
        """Return the frames up to one."""
        while wanted not in self.frames:
            self.frames += self.decoder.decode((await self.message())["bytes"])
        return self.frames


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server that sends back, in capitals, all that it got before the end of its input."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def dial(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        return await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        raise failure(500, "InternalError", "refused") from error


async def started(client: Client, ports: list[int]) -> asyncio.Task[None]:
    await client.socket.accept()
    return asyncio.create_task(port_forward.serve(client.socket, dial, ports))


def opened(port: int, number: int) -> list[Frame]:
    """The two streams of a connection, as kubectl opens them."""
    headers = {"Port": str(port), "Requestid": str(number)}
    first = 4 * number + 1
    return [
        SynStream(first, {**headers, "Streamtype": "error"}),
        SynStream(first + 2, {**headers, "Streamtype": "data"}),
    ]


async def test_a_connection_is_a_pair_of_streams(port: int) -> None:
    client = Client("SPDY/3.1+portforward.k8s.io")
    serving = await started(client, [])
    client.send(*opened(port, 0), Data(3, b"hello "), Data(3, b"there", fin=True))
    frames = await client.until(Data(1, b"", fin=True))
    assert frames[:2] == [SynReply(1), SynReply(3)]
    assert b"".join(frame.data for frame in frames if isinstance(frame, Data)) == b"HELLO THERE"
    client.send(*opened(port, 1), Data(7, b"again", fin=True))
    assert Data(7, b"AGAIN") in await client.until(Data(5, b"", fin=True))
    client.leave()
    await asyncio.wait_for(serving, 30)


async def test_a_port_that_nothing_listens_on_is_told_on_the_error_stream() -> None:
    client = Client("SPDY/3.1+portforward.k8s.io")
    serving = await started(client, [])
    client.send(*opened(1, 0))
    assert Data(1, b"refused") in await client.until(Data(1, b"", fin=True))
    client.leave()
    await asyncio.wait_for(serving, 30)


async def test_pings_are_answered_and_bad_streams_reset() -> None:
    client = Client("SPDY/3.1+portforward.k8s.io")
    serving = await started(client, [])
    client.send(SynStream(1, {"port": "no"}), Ping(1))
    assert Reset(1, 1) in await client.until(Ping(1))
    client.leave()
    await asyncio.wait_for(serving, 30)


async def test_what_is_not_spdy_ends_the_connection() -> None:
    client = Client("SPDY/3.1+portforward.k8s.io")
    serving = await started(client, [])
    client.say(b"\x80\x02\x00\x06\x00\x00\x00\x00")
    await client.until(GoAway(0, 1))
    assert (await client.message())["type"] == "websocket.close"
    await asyncio.wait_for(serving, 30)


async def test_a_client_that_leaves_ends_its_connections(port: int) -> None:
    client = Client("SPDY/3.1+portforward.k8s.io")
    serving = await started(client, [])
    client.send(*opened(port, 0), Data(3, b"unfinished"))
    await client.until(SynReply(3))
    client.leave()
    await asyncio.wait_for(serving, 30)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("forward port")]


async def test_the_python_clients_protocol_has_two_channels_a_port(port: int) -> None:
    client = Client("v4.channel.k8s.io")
    serving = await started(client, [port, 1])
    heads = {(await client.message())["bytes"][:1]: None for _ in range(4)}
    assert list(heads) == [b"\x00", b"\x01", b"\x02", b"\x03"]
    assert (await client.message())["bytes"] == b"\x03refused"
    client.say(b"\x00data")
    client.leave()
    await asyncio.wait_for(serving, 30)
