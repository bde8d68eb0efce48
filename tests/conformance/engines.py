"""Either engine: the API server alone, where nothing changes by itself, or a home for whole clusters."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from kubelab.clock import RealClock
from kubelab.engine.apiserver.tls import write_kubeconfig
from kubelab.engine.binaries import Binaries, BinariesControlPlane
from kubelab.engine.bootstrap import bootstrap
from kubelab.engine.embedded import EmbeddedControlPlane
from tests.conftest import Lab, made
from tests.realapi import build

TOKEN = "tour"


@contextmanager
def made_for(engine: str, home: Path) -> Iterator[Lab]:
    """A home for clusters of an engine."""
    with made(home) as lab:
        if engine == "binaries":
            lab.env["KUBEBUILDER_ASSETS"] = str(build.assets())
        yield lab


@contextmanager
def served(engine: str, state_dir: Path) -> Iterator[Path]:
    """An API server without controllers, scheduler and nodes; yields its kubeconfig."""
    plane = _control_plane(engine, state_dir)
    ready, stop = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1, "apiserver") as thread:
        running = thread.submit(asyncio.run, _serve(plane, state_dir, ready, stop))
        while not ready.wait(0.1):
            if running.done():
                running.result()
        try:
            yield state_dir / "kubeconfig"
        finally:
            stop.set()
            running.result(30)


def _control_plane(engine: str, state_dir: Path) -> EmbeddedControlPlane | BinariesControlPlane:
    if engine == "embedded":
        return EmbeddedControlPlane(state_dir, RealClock(), token=TOKEN)
    assets = build.assets()
    return BinariesControlPlane(state_dir, Binaries(assets / "etcd", assets / "kube-apiserver"), token=TOKEN)


async def _serve(
    plane: EmbeddedControlPlane | BinariesControlPlane,
    state_dir: Path,
    ready: threading.Event,
    stop: threading.Event,
) -> None:
    await plane.start()
    try:
        write_kubeconfig(state_dir / "kubeconfig", name="tour", server=plane.url, token=TOKEN, tls=plane.tls)
        await bootstrap(plane.client("system:masters"), RealClock())
        ready.set()
        await asyncio.to_thread(stop.wait)
    finally:
        await plane.stop()
