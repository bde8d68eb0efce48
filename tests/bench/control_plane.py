"""A control plane in a process of its own: API server over TLS, and the scheduler if asked.

``python -m tests.bench.control_plane [--real] [--scheduler] STATE_DIR`` prints one JSON line once it is
ready, and runs until its standard input is closed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import uvloop

from kubelab.client import SERVICE_ACCOUNTS
from kubelab.clock import RealClock
from kubelab.engine.apiserver import ApiServer
from kubelab.engine.apiserver.serve import serve
from kubelab.engine.apiserver.tls import ensure_tls
from kubelab.engine.binaries import Binaries, BinariesControlPlane
from kubelab.engine.scheduler import Scheduler
from kubelab.informer import Informers
from tests.bench.load import Target
from tests.realapi import build

TOKEN = "bench"
UNLIMITED = ("--max-requests-inflight=3000", "--max-mutating-requests-inflight=1000")


@contextmanager
def real_control_plane(*options: str) -> Iterator[tuple[Target, list[int]]]:
    """Run the real one; yields where it is and the pids of its programs."""
    with _started("--real", *options) as ready:
        yield Target(ready["port"], TOKEN, Path(ready["ca"])), ready["programs"]


@contextmanager
def control_plane(*options: str) -> Iterator[tuple[Target, int]]:
    """Run a control plane; yields where it is and its pid."""
    with _started(*options) as ready:
        yield Target(ready["port"], TOKEN, Path(ready["ca"])), ready["pid"]


@contextmanager
def _started(*options: str) -> Iterator[dict[str, Any]]:
    with TemporaryDirectory(prefix="kubelab-bench-") as folder:
        command = [sys.executable, "-m", "tests.bench.control_plane", *options, folder]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.communicate(timeout=30)


async def _run(folder: Path, *, scheduler: bool) -> None:
    server = ApiServer(folder, RealClock(), token=TOKEN)
    await server.start()
    tls = ensure_tls(folder)
    served = await serve(server, port=0, tls=tls)
    informers = Informers(server.client("system:informers"))
    tasks = []
    if scheduler:
        part = Scheduler(server.client("system:kube-scheduler"), informers, RealClock())
        tasks.append(asyncio.create_task(part.run()))
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as the daemon does
    print(json.dumps({"port": served.port, "ca": str(tls.ca), "pid": os.getpid()}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await informers.stop()
    await served.stop()
    await server.stop()


async def _run_real(folder: Path, *, scheduler: bool) -> None:
    """Run the real control plane; its limits are raised, so that it is never made to wait."""
    assets = build.assets()
    binaries = Binaries(
        assets / "etcd", assets / "kube-apiserver", assets / "kube-scheduler" if scheduler else None
    )
    plane = BinariesControlPlane(folder, binaries, token=TOKEN, extra=UNLIMITED)
    await plane.start()
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    await plane.client("bench").create(SERVICE_ACCOUNTS, account, "default")
    ready = {"port": urlsplit(plane.url).port, "ca": str(plane.tls.ca), "pid": os.getpid()}
    print(json.dumps(ready | {"programs": plane.pids}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await plane.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--scheduler", action="store_true")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        run = _run_real if given.real else _run
        runner.run(run(given.folder, scheduler=given.scheduler))
