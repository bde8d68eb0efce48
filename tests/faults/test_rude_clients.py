"""Clients that are slow, lie or never finish: they are let go, and others are served meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest

from kubelab.clock import RealClock
from kubelab.engine.apiserver import ApiServer
from kubelab.engine.apiserver.patience import Patience
from kubelab.engine.apiserver.serve import serve
from kubelab.engine.apiserver.tls import ensure_tls

pytestmark = pytest.mark.timeout(120)

_MAPS = "/api/v1/namespaces/default/configmaps"
_PATIENCE_S = 60
_SHORT = Patience(head_s=0.5, body_s=0.5)
_SIGNED = "Host: localhost\r\nAuthorization: Bearer secret\r\nContent-Type: application/json\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Server:
    """A server, and raw connections to it."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self.port = port
        self._context = context
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self, *, tls: bool = True) -> Connection:
        context = self._context if tls else None
        async with asyncio.timeout(_PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        self._writers.append(writer)
        return reader, writer

    async def send(self, *parts: str | bytes) -> Connection:
        reader, writer = await self.connect()
        for part in parts:
            writer.write(part if isinstance(part, bytes) else part.encode())
        async with asyncio.timeout(_PATIENCE_S):
            with contextlib.suppress(ConnectionError):  # the server may have had enough
                await writer.drain()
        return reader, writer

    async def asked(self, *parts: str | bytes) -> tuple[int, bytes]:
        """Send a whole request and return the answer's code and body."""
        reader, writer = await self.send(*parts)
        answer = await answered(reader)
        writer.close()
        return answer

    async def is_well(self) -> None:
        """Fail unless another client is served."""
        code, body = await self.asked(f"GET {_MAPS} HTTP/1.1\r\n{_SIGNED}\r\n")
        assert (code, b"ConfigMapList" in body) == (200, True)

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


async def answered(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    async with asyncio.timeout(_PATIENCE_S):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(
            (line.split(":")[1] for line in head.splitlines() if line.startswith("content-length")), None
        )
        body = await (reader.readexactly(int(length)) if length else reader.read())
    return int(head.split()[1]), body


async def let_go(reader: asyncio.StreamReader) -> bytes:
    """Return what the server still says before it closes the connection."""
    said = b""
    async with asyncio.timeout(_PATIENCE_S):
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while piece := await reader.read(65536):
                said += piece
    return said


@contextlib.asynccontextmanager
async def said_meanwhile(
    writer: asyncio.StreamWriter, piece: bytes, pause_s: float = 0.0
) -> AsyncIterator[None]:
    """Say the same again and again, as long as the server listens."""

    async def speak() -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while not writer.is_closing():
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_s)

    speaking = asyncio.create_task(speak())
    yield
    speaking.cancel()
    await asyncio.gather(speaking, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(folder: Path, patience: Patience) -> AsyncIterator[Server]:
    api, tls = ApiServer(folder, RealClock(), token="secret"), ensure_tls(folder)
    await api.start()
    served = await serve(api, port=0, tls=tls, patience=patience)
    server = Server(served.port, ssl.create_default_context(cafile=str(tls.ca)))
    yield server
    server.close()
    await served.stop()
    await api.stop()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path, Patience()) as started:
        yield started


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[Server]:
    """A server of little patience."""
    async with serving(tmp_path, _SHORT) as started:
        yield started


def post(length: int | str, *headers: str) -> str:
    return f"POST {_MAPS} HTTP/1.1\r\n{_SIGNED}{''.join(headers)}Content-Length: {length}\r\n\r\n"


async def test_headers_that_never_end_are_not_waited_for(hasty: Server) -> None:
    reader, writer = await hasty.send(f"GET {_MAPS} HTTP/1.1\r\nHost: localhost\r\n")
    async with said_meanwhile(writer, b"X-Slow: 1\r\n", pause_s=0.05):
        await hasty.is_well()
        assert not await let_go(reader)


async def test_a_body_that_never_ends_is_not_waited_for(hasty: Server) -> None:
    reader, _ = await hasty.send(post(1000), "{")
    await hasty.is_well()
    assert not await let_go(reader)
    await hasty.is_well()


async def test_a_body_shorter_than_said_creates_nothing(hasty: Server) -> None:
    body = b'{"metadata":{"name":"short"}}'
    reader, _ = await hasty.send(post(len(body) + 1), body)
    assert not await let_go(reader)
    code, _ = await hasty.asked(f"GET {_MAPS}/short HTTP/1.1\r\n{_SIGNED}\r\n")
    assert code == 404


async def test_two_hundred_silent_clients_disturb_nobody_and_are_let_go(hasty: Server) -> None:
    silent = [await hasty.connect() for _ in range(200)]
    unencrypted = [await hasty.connect(tls=False) for _ in range(50)]
    await hasty.is_well()
    assert not any(await asyncio.gather(*(let_go(reader) for reader, _ in silent)))
    await hasty.is_well()
    assert unencrypted


async def test_a_quiet_connection_between_requests_is_kept(hasty: Server) -> None:
    request = f"GET {_MAPS} HTTP/1.1\r\n{_SIGNED}\r\n"
    reader, writer = await hasty.send(request)
    assert (await answered(reader))[0] == 200
    other, _ = await hasty.send("GET")
    await let_go(other)  # by now the server has looked for slow clients
    writer.write(request.encode())
    assert (await answered(reader))[0] == 200


async def test_a_watch_outlasts_the_patience_for_requests(hasty: Server) -> None:
    reader, _ = await hasty.send(f"GET {_MAPS}?watch=true HTTP/1.1\r\n{_SIGNED}\r\n")
    async with asyncio.timeout(_PATIENCE_S):
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    other, _ = await hasty.send("GET")
    await let_go(other)
    body = b'{"metadata":{"name":"seen"}}'
    assert (await hasty.asked(post(len(body)), body))[0] == 201
    async with asyncio.timeout(_PATIENCE_S):
        assert b'"seen"' in await reader.readuntil(b'"seen"')


async def test_a_body_larger_than_three_mebibytes_is_refused(server: Server) -> None:
    body = b'{"metadata":{"name":"big"},"data":{"a":"' + b"x" * (3 << 20) + b'"}}'
    assert (await server.asked(post(len(body)), body))[0] == 413
    pieces = (b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[: 1 << 20], body[1 << 20 :]))
    head = f"POST {_MAPS} HTTP/1.1\r\n{_SIGNED}Transfer-Encoding: chunked\r\n\r\n"
    assert (await server.asked(head, *pieces, b"0\r\n\r\n"))[0] == 413
    await server.is_well()


async def test_rubbish_after_a_body_does_not_take_its_answer(server: Server) -> None:
    body = b'{"metadata":{"name":"first"}}'
    reader, _ = await server.send(post(len(body)), body + b"trailing rubbish\r\n\r\n")
    assert (await answered(reader))[0] == 201
    assert not await let_go(reader)


async def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    paths = [f"{_MAPS}/{number}" for number in range(50)]
    reader, _ = await server.send(*(f"GET {path} HTTP/1.1\r\n{_SIGNED}\r\n" for path in paths))
    for number in range(50):
        code, body = await answered(reader)
        assert (code, orjson.loads(body)["details"]["name"]) == (404, str(number))
    await server.is_well()


@pytest.mark.parametrize("size", [60_000, 100_000, 1 << 20, 4 << 20])
async def test_a_long_url_is_answered(server: Server, size: int) -> None:
    reader, _ = await server.send(f"GET {_MAPS}/{'x' * size} HTTP/1.1\r\n{_SIGNED}\r\n")
    said = await (answered(reader) if size < 1 << 20 else let_go(reader))
    if isinstance(said, tuple):
        assert said[0] in {400, 404, 414, 431}
    else:  # the rest of what was sent may have made the answer unreadable
        assert not said or said.split()[1] in {b"400", b"431"}
    await server.is_well()


async def test_headers_without_bound_are_refused_before_they_end(server: Server) -> None:
    reader, writer = await server.send(f"GET {_MAPS} HTTP/1.1\r\n{_SIGNED}")
    async with said_meanwhile(writer, b"X-Many: %s\r\n" % (b"x" * 8000)):
        said = await let_go(reader)
    assert not said or said.startswith(b"HTTP/1.1 431 ")
    await server.is_well()


@pytest.mark.parametrize("count", [1_000, 10_000])
async def test_thousands_of_label_requirements_are_answered(server: Server, count: int) -> None:
    selector = quote(",".join(f"k{number}!=v" for number in range(count)), safe="!=,")
    body = b'{"metadata":{"name":"other","labels":{"k7":"v"}}}'
    assert (await server.asked(post(len(body)), body))[0] == 201
    code, body = await server.asked(f"GET {_MAPS}?labelSelector={selector} HTTP/1.1\r\n{_SIGNED}\r\n")
    names = [item["metadata"]["name"] for item in orjson.loads(body)["items"]]
    assert (code, "other" in names) == (200, False)
    await server.is_well()


async def test_http_1_0_is_answered_and_closed(server: Server) -> None:
    reader, _ = await server.send(f"GET {_MAPS} HTTP/1.0\r\n{_SIGNED}\r\n")
    assert b" 200 " in await let_go(reader)


@pytest.mark.parametrize(
    "chunk",
    ["zz\r\n{}\r\n", "-1\r\n{}\r\n", "ffffffffffffffffff\r\n{}\r\n", "2\r\n{}no newline\r\n0\r\n\r\n"],
)
async def test_chunks_of_bad_size_are_refused(server: Server, chunk: str) -> None:
    head = f"POST {_MAPS} HTTP/1.1\r\n{_SIGNED}Transfer-Encoding: chunked\r\n\r\n"
    reader, _ = await server.send(head, chunk)
    said = await let_go(reader)
    assert said.startswith(b"HTTP/1.1 400 ")
    await server.is_well()


@pytest.mark.parametrize(
    "head",
    [
        "NONSENSE\r\n\r\n",
        f"GET {_MAPS} HTTP/9.9\r\n\r\n",
        f"POST {_MAPS} HTTP/1.1\r\n{_SIGNED}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{{}}",
        f"POST {_MAPS} HTTP/1.1\r\n{_SIGNED}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{{}}",
        post("-5"),
        post("9" * 40),
        f"GET {_MAPS} HTTP/1.1\r\nHost: localhost\r\nBad Header\x00: 1\r\n\r\n",
    ],
)
async def test_malformed_heads_are_refused(server: Server, head: str) -> None:
    reader, _ = await server.send(head)
    assert (await let_go(reader)).startswith(b"HTTP/1.1 400 ")
    await server.is_well()


async def test_a_client_that_leaves_in_the_middle_is_forgotten(server: Server) -> None:
    for sent in ("G", f"GET {_MAPS}?watch=true HTTP/1.1\r\n{_SIGNED}\r\n", post(100) + "{"):
        _, writer = await server.send(sent)
        writer.transport.abort()
    await server.is_well()
