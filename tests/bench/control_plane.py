"""A control plane in a process of its own: API server over TLS, and the scheduler if asked.

``python -m tests.bench.control_plane [--scheduler] STATE_DIR`` prints one JSON line once it is ready, and
runs until its standard input is closed.
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

import uvloop

from kubelab.clock import RealClock
from kubelab.engine.apiserver import ApiServer
from kubelab.engine.apiserver.serve import serve
from kubelab.engine.apiserver.tls import ensure_tls
from kubelab.engine.scheduler import Scheduler
from kubelab.informer import Informers
from tests.bench.load import Target

TOKEN = "bench"


@contextmanager
def control_plane(*options: str) -> Iterator[tuple[Target, int]]:
    """Run a control plane; yields where it is and its pid."""
    with TemporaryDirectory(prefix="kubelab-bench-") as folder:
        command = [sys.executable, "-m", "tests.bench.control_plane", *options, folder]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield Target(ready["port"], TOKEN, Path(ready["ca"])), process.pid
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
    print(json.dumps({"port": served.port, "ca": str(tls.ca), "pid": os.getpid()}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await informers.stop()
    await served.stop()
    await server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--scheduler", action="store_true")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(given.folder, scheduler=given.scheduler))
