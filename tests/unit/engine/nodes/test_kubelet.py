"""A node's HTTPS face, asked as kube-apiserver asks it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kubelab.client import Client, Object, Response
from kubelab.engine.apiserver.pod_logs import LogOptions
from kubelab.engine.apiserver.pod_streams import PodSession, StreamOptions
from kubelab.engine.apiserver.serve import Served, serve_app
from kubelab.engine.apiserver.status import bad_request, failure
from kubelab.engine.apiserver.tls import TlsFiles, ensure_client_tls, ensure_tls
from kubelab.engine.nodes.kubelet import KubeletFace
from tests.unit.engine.apiserver.test_pod_streams import Silent

LISTENING = 8080


class Node:
    """Logs two lines for container ``main``, which alone runs; a port greets whoever connects."""

    def __init__(self) -> None:
        self.asked: list[StreamOptions] = []

    def check_running(self, pod: Object, container: str) -> None:
        if container != "main":
            raise failure(500, "InternalError", f'container not found ("{container}")')

    async def exec(self, pod: Object, container: str, options: StreamOptions) -> PodSession:
        self.asked.append(options)
        return Silent()

    async def attach(self, pod: Object, container: str, options: StreamOptions) -> PodSession:
        return await self.exec(pod, container, options)

    async def connect(self, pod: Object, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if port != LISTENING:
            raise failure(500, "InternalError", f"nothing listens on {port}")
        server = await asyncio.start_server(self._greet, "127.0.0.1", 0)
        async with server:
            return await asyncio.open_connection(*server.sockets[0].getsockname())

    async def _greet(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async def logs(self, pod: Object, container: str, options: LogOptions) -> AsyncIterator[bytes]:
        if container != "main":
            raise bad_request(f'container "{container}" is waiting to start')
        for line in [b"one\n", b"two\n"][-(options.tail_lines or 2) :]:
            yield pod["metadata"]["name"].encode() + b" " + line


class Api:
    """Has every pod."""

    async def request(self, method: str, path: str, *_: Any, **__: Any) -> Response:
        return Response(200, b'{"metadata":{"name":"%s"}}' % path.rpartition("/")[2].encode())


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
async def face(tmp_path: Path, node: Node) -> AsyncIterator[tuple[Served, TlsFiles, TlsFiles]]:
    tls, client = ensure_tls(tmp_path), ensure_client_tls(tmp_path, "kubelet-client")
    app = KubeletFace(Client(Api()), node).asgi  # type: ignore[arg-type]
    served = await serve_app(app, port=0, tls=tls, client_ca=client.ca)
    yield served, tls, client
    await served.stop()


def trusted(tls: TlsFiles, client: TlsFiles | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tls.ca))
    if client:
        context.load_cert_chain(client.certificate, client.key)
    return context


async def test_logs_are_served_to_the_api_server(face: tuple[Served, TlsFiles, TlsFiles]) -> None:
    served, tls, client = face
    url = f"https://127.0.0.1:{served.port}/containerLogs/default/web"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted(tls, client))) as session:
        async with session.get(f"{url}/main?tailLines=1") as answer:
            assert (answer.status, await answer.text()) == (200, "web two\n")
        async with session.get(f"{url}/other") as answer:
            assert (answer.status, await answer.text()) == (400, 'container "other" is waiting to start')
        async with session.get(f"https://127.0.0.1:{served.port}/run/x") as answer:
            assert answer.status == 404


async def test_nobody_else_is_let_in(face: tuple[Served, TlsFiles, TlsFiles]) -> None:
    served, tls, _ = face
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted(tls, None))) as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"https://127.0.0.1:{served.port}/healthz")


async def messages(face: tuple[Served, TlsFiles, TlsFiles], path: str, protocol: str) -> list[bytes]:
    """Return what a WebSocket brings until it ends."""
    served, tls, client = face
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted(tls, client))) as session,
        session.ws_connect(f"https://127.0.0.1:{served.port}{path}", protocols=[protocol]) as socket,
    ):
        return [message.data async for message in socket]


@pytest.mark.parametrize("route", ["exec", "attach"])
async def test_commands_and_attachments_run_over_a_websocket(
    face: tuple[Served, TlsFiles, TlsFiles], node: Node, route: str
) -> None:
    path = f"/{route}/default/web/main?command=echo&command=a%20b&input=1&output=1&error=1"
    first, *_, last = await messages(face, path, "v5.channel.k8s.io")
    assert first == b"\x01done"
    assert b'"Success"' in last
    assert node.asked == [StreamOptions(("echo", "a b"), stdin=True, stdout=True, stderr=True)]


async def test_a_terminal_has_no_stream_for_errors(
    face: tuple[Served, TlsFiles, TlsFiles], node: Node
) -> None:
    await messages(face, "/exec/default/web/main?command=sh&output=1&error=1&tty=1", "v5.channel.k8s.io")
    assert node.asked == [StreamOptions(("sh",), stdout=True, tty=True)]


async def test_ports_are_forwarded(face: tuple[Served, TlsFiles, TlsFiles]) -> None:
    found = await messages(face, f"/portForward/default/web?port={LISTENING},9", "v4.channel.k8s.io")
    assert b"\x00hello" in found
    assert b"\x03nothing listens on 9" in found


@pytest.mark.parametrize("offer", [{}, {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}])
async def test_a_stream_is_refused_with_a_status_of_its_own(
    face: tuple[Served, TlsFiles, TlsFiles], offer: dict[str, str]
) -> None:
    served, tls, client = face
    url = f"https://127.0.0.1:{served.port}/exec/default/web"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted(tls, client))) as session:
        async with session.post(f"{url}/other?command=true&output=1", headers=offer) as answer:
            assert (answer.status, (await answer.json())["reason"]) == (500, "InternalError")
        async with session.post(f"{url}/main?command=true&output=1", headers=offer) as answer:
            assert (answer.status, (await answer.json())["reason"]) == (400, "BadRequest")
