"""exec's channels: what the client sends reaches the command, and how it ended reaches the client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from kubelab.engine.apiserver.pod_streams import StreamOptions
from kubelab.engine.apiserver.remote_command import outcome, serve_session
from kubelab.engine.apiserver.status import internal
from kubelab.engine.apiserver.websocket import WebSocket

_ALL = StreamOptions(command=("cat",), stdin=True, stdout=True, stderr=True)


class Client:
    """The other end of a WebSocket."""

    def __init__(self, *messages: bytes | None) -> None:
        self.waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.got: list[dict[str, Any]] = []
        self.waiting.put_nowait({"type": "websocket.connect"})
        for message in messages:
            kind = "websocket.disconnect" if message is None else "websocket.receive"
            self.waiting.put_nowait({"type": kind, "bytes": message})

    async def send(self, message: dict[str, Any]) -> None:
        self.got.append(message)

    async def socket(self) -> WebSocket:
        socket = WebSocket("v5.channel.k8s.io", self.waiting.get, self.send)
        await socket.accept()
        return socket

    @property
    def data(self) -> list[bytes]:
        return [message["bytes"] for message in self.got if message["type"] == "websocket.send"]


class Echo:
    """A command that writes what it reads, until its input ends."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[bytes] = asyncio.Queue()
        self.size = (0, 0)
        self.closed = False

    async def output(self) -> AsyncIterator[tuple[str, bytes]]:
        while data := await self.lines.get():
            yield "stdout", data
            yield "stderr", b"!"

    async def write(self, data: bytes) -> None:
        self.lines.put_nowait(data)

    def close_stdin(self) -> None:
        self.lines.put_nowait(b"")

    def resize(self, width: int, height: int) -> None:
        self.size = (width, height)

    async def exit_code(self) -> int | None:
        return 3

    async def close(self) -> None:
        self.closed = True


async def test_streams_pass_and_the_exit_code_comes_last() -> None:
    client, echo = Client(b"\x00hi", b'\x04{"Width":80,"Height":24}', b"\xff\x00"), Echo()

    async def start() -> Echo:
        return echo

    await asyncio.wait_for(serve_session(await client.socket(), start, _ALL), 30)
    *streams, last = client.data
    assert streams == [b"\x01hi", b"\x02!"]
    assert last[0] == 3
    status = json.loads(last[1:])
    assert status["reason"] == "NonZeroExitCode"
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]
    assert client.got[-1]["type"] == "websocket.close"
    assert echo.size == (80, 24)
    assert echo.closed


async def test_a_stream_that_was_not_asked_for_is_not_sent() -> None:
    client, echo = Client(b"\x00hi", b"\xff\x00"), Echo()

    async def start() -> Echo:
        return echo

    options = StreamOptions(command=("cat",), stdin=True, stdout=True)
    await asyncio.wait_for(serve_session(await client.socket(), start, options), 30)
    assert [message[0] for message in client.data] == [1, 3]


async def test_a_client_that_goes_away_ends_the_session() -> None:
    client, echo = Client(None), Echo()

    async def start() -> Echo:
        return echo

    await asyncio.wait_for(serve_session(await client.socket(), start, _ALL), 30)
    assert echo.closed
    assert client.data == []


async def test_a_command_that_cannot_start_is_told_on_the_error_channel() -> None:
    client = Client()

    async def start() -> Echo:
        raise internal(RuntimeError("no such command"))

    await asyncio.wait_for(serve_session(await client.socket(), start, _ALL), 30)
    (message,) = client.data
    assert json.loads(message[1:])["message"] == "Internal error occurred: no such command"


async def test_nonsense_from_a_client_is_passed_over() -> None:
    client, echo = (
        Client(b"\x04{", b'\x04{"Width":"x"}', b"\x04[1]", b"\x63x", b"", b"\xff", b"\xff\x00"),
        Echo(),
    )

    async def start() -> Echo:
        return echo

    await asyncio.wait_for(serve_session(await client.socket(), start, _ALL), 30)
    assert [message[0] for message in client.data] == [3]


def test_success_and_a_lost_command_have_their_statuses() -> None:
    assert outcome(0, ("true",))["status"] == "Success"
    assert outcome(None, ("true",))["code"] == 500
