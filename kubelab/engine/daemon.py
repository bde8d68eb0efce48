"""The embedded cluster: API server, controllers, scheduler and process node in one process.

``kubelab up`` starts this module in the background. Each part is a client of the API and is started
again if it fails; the API server's journal and the pods' own supervisors outlive this process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import os
import secrets
import signal
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from kubelab.clock import RealClock
from kubelab.engine.apiserver.app import ApiServer
from kubelab.engine.apiserver.serve import serve
from kubelab.engine.apiserver.tls import ensure_tls, write_kubeconfig, write_private
from kubelab.engine.bootstrap import bootstrap
from kubelab.engine.controllers import Controllers
from kubelab.engine.nodes import ProcessNode, ServerAddress
from kubelab.engine.scheduler import Scheduler
from kubelab.engine.state import Running, StateFolder
from kubelab.errors import KubelabError
from kubelab.informer import Informers

logger = logging.getLogger(__name__)

_NODE_TIMEOUT_S = 10.0
"""A cluster whose node does not come is of use all the same, if only to see why."""


def main() -> None:
    """Run a cluster until SIGTERM."""
    parser = argparse.ArgumentParser(prog="kubelab.engine.daemon")
    parser.add_argument("--name", required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    parser.add_argument("--no-warm", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    folder = StateFolder.of(options.name)
    try:
        folder.lock(patience_s=0.5)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(folder, options.ready_fd, warm=not options.no_warm))
    except (KubelabError, OSError) as error:
        logger.exception("the cluster ended")
        with contextlib.suppress(OSError):
            _tell(options.ready_fd, {"error": str(error)})
        raise SystemExit(1) from error


async def _run(folder: StateFolder, ready_fd: int, *, warm: bool) -> None:
    clock = RealClock()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    token = _token(folder.path / "token")
    server = ApiServer(folder.path, clock, token=token)
    await server.start()
    tls = ensure_tls(folder.path)
    served = await serve(server, port=_last_port(folder), tls=tls)
    url = f"https://127.0.0.1:{served.port}"
    write_kubeconfig(folder.kubeconfig, name=folder.name, server=url, token=token, tls=tls)
    await bootstrap(server.client("system:masters"), clock)
    informers = Informers(server.client("system:informers"))
    node = ProcessNode(
        server.client(f"system:node:{_node_name(folder)}"),
        informers,
        clock,
        name=_node_name(folder),
        state_dir=folder.path,
        server=ServerAddress(url, tls.ca),
        warm=warm,
    )
    server.register_node(_node_name(folder), node)
    server.register_usage(node.usage)
    parts: dict[str, Callable[[], Awaitable[None]]] = {
        "controllers": Controllers(
            server.client, informers, clock, server_url=url, ca_pem=tls.ca.read_text()
        ).run,
        "scheduler": Scheduler(server.client("system:kube-scheduler"), informers, clock).run,
        "node": node.run,
    }
    tasks = [asyncio.create_task(_keep(name, run), name=name) for name, run in parts.items()]
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(node.ready.wait(), _NODE_TIMEOUT_S)
    running = Running(folder.name, url, str(folder.kubeconfig), token, os.getpid())
    folder.write_running(running)
    _tell(ready_fd, asdict(running))
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # objects come and go by the thousand: an eighth less CPU
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await node.stop()
    await informers.stop()
    await served.stop()
    await server.stop()


async def _keep(name: str, run: Callable[[], Awaitable[None]]) -> None:
    delay_s = 0.1
    while True:
        try:
            await run()
        except Exception:
            logger.exception("%s failed and starts again in %.1f s", name, delay_s)
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, 10.0)


def _node_name(folder: StateFolder) -> str:
    return f"{folder.name}-node"


def _token(path: Path) -> str:
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode())
    return path.read_text()


def _last_port(folder: StateFolder) -> int:
    """Return the port that clients know from last time, or 0 for a free one."""
    last = folder.last()
    return urlsplit(last.server).port or 0 if last else 0


def _tell(descriptor: int, answer: dict[str, object]) -> None:
    with os.fdopen(descriptor, "w") as pipe:
        pipe.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
