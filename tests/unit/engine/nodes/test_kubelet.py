"""A node's HTTPS face, asked as kube-apiserver asks it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kubelab.client import Client, Object, Response
from kubelab.engine.apiserver.pod_logs import LogOptions
from kubelab.engine.apiserver.serve import Served, serve_app
from kubelab.engine.apiserver.status import bad_request
from kubelab.engine.apiserver.tls import TlsFiles, ensure_client_tls, ensure_tls
from kubelab.engine.nodes.kubelet import KubeletFace


class Node:
    """Logs two lines for container ``main``, and refuses any other."""

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
async def face(tmp_path: Path) -> AsyncIterator[tuple[Served, TlsFiles, TlsFiles]]:
    tls, client = ensure_tls(tmp_path), ensure_client_tls(tmp_path, "kubelet-client")
    app = KubeletFace(Client(Api()), Node()).asgi  # type: ignore[arg-type]
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
