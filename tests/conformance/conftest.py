"""An API server on its own, and real kubectl on it."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kubelab.clock import RealClock
from kubelab.engine.apiserver.app import ApiServer
from kubelab.engine.apiserver.serve import serve
from kubelab.engine.apiserver.tls import ensure_tls, write_kubeconfig
from kubelab.engine.bootstrap import bootstrap
from tests.conformance.kubectl import Kubectl

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """The API server without controllers, scheduler and nodes: nothing changes but what kubectl changes."""
    state_dir = tmp_path_factory.mktemp("apiserver")
    ready, stop = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1, "apiserver") as thread:
        served = thread.submit(asyncio.run, _serve(state_dir, ready, stop))
        while not ready.wait(0.1):
            if served.done():
                served.result()
        yield Kubectl(state_dir / "kubeconfig", tmp_path_factory.mktemp("kubectl-home"))
        stop.set()
        served.result(30)


@pytest.fixture
def kubectl(api: Kubectl) -> Kubectl:
    """Real kubectl, in a new namespace."""
    namespace = f"tour-{next(_numbers)}"
    api("create", "namespace", namespace)
    return Kubectl(api.kubeconfig, api.home, namespace)


async def _serve(state_dir: Path, ready: threading.Event, stop: threading.Event) -> None:
    clock = RealClock()
    server = ApiServer(state_dir, clock, token="tour")
    await server.start()
    tls = ensure_tls(state_dir)
    served = await serve(server, port=0, tls=tls)
    url = f"https://127.0.0.1:{served.port}"
    write_kubeconfig(state_dir / "kubeconfig", name="tour", server=url, token="tour", tls=tls)
    await bootstrap(server.client("system:masters"), clock)
    ready.set()
    await asyncio.to_thread(stop.wait)
    await served.stop()
    await server.stop()
