"""A lab cluster: a control plane, and kubelab's controllers, scheduler and process node as its clients.

``kubelab up`` starts this module in the background. Each part is a client of the API and is started
again if it fails; the API server's journal and the pods' own supervisors outlive this process. Which
control plane it is, the embedded one or upstream's own programs, is the engine.
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
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import uvloop

from kubelab.client import Client
from kubelab.clock import Clock, RealClock
from kubelab.engine.apiserver.tls import TlsFiles, write_kubeconfig, write_private
from kubelab.engine.bootstrap import bootstrap
from kubelab.engine.json_log import log_as_json
from kubelab.engine.keeping import keep
from kubelab.engine.measures import Measures
from kubelab.engine.nodes import ProcessNode, ServerAddress
from kubelab.engine.nodes.isolation import Isolation, mark_of, probe
from kubelab.engine.nodes.simulated import SimulatedNodes
from kubelab.engine.recording import Recording
from kubelab.engine.state import Engine, Running, StateFolder
from kubelab.engine.usage import UsageSource
from kubelab.errors import KubelabError
from kubelab.informer import Informers
from kubelab.usage.history import USAGE_FILE, History, HistoryError
from kubelab.usage.recording import record

if TYPE_CHECKING:
    from kubelab.engine.apiserver.disturbance import Disturbance
    from kubelab.engine.controllers.controller import Controller
    from kubelab.engine.controllers.registry import Controllers
    from kubelab.engine.nodes.kubelet import Node
    from kubelab.engine.scheduler import Scheduler

logger = logging.getLogger(__name__)

_NODE_TIMEOUT_S = 10.0
"""A cluster whose node does not come is of use all the same, if only to see why."""


class ControlPlane(Protocol):
    """What an engine offers: an API server, and what it leaves to kubelab."""

    tls: TlsFiles
    url: str

    @property
    def has_scheduler(self) -> bool:
        """Whether it schedules pods itself."""
        ...

    @property
    def controllers(self) -> tuple[type[Controller], ...]:
        """Which controllers it needs."""
        ...

    @property
    def disturbance(self) -> Disturbance | None:
        """What requests over HTTP meet on their way; None where kubelab cannot say."""
        ...

    async def start(self) -> None:
        """Start it; it answers when this returns."""
        ...

    def client(self, user: str) -> Client:
        """Return a client that acts as a user, with an administrator's rights."""
        ...

    async def register_node(self, name: str, node: Node) -> int:
        """Let the API server ask a node for logs and streams; return the port that the node is found at."""
        ...

    async def serve_usage(self, sources: Sequence[UsageSource], informers: Informers) -> None:
        """Serve what is known of nodes and pods as metrics.k8s.io."""
        ...

    async def admit_recommendations(self, informers: Informers) -> None:
        """Give new pods what vertical pod autoscalers recommend for them."""
        ...

    async def metrics_url(self) -> str:
        """Return where Prometheus finds what kubelab's parts measure."""
        ...

    async def progress_url(self) -> str:
        """Return where trainers' pods report to."""
        ...

    async def stop(self) -> None:
        """End it."""
        ...


def main() -> None:
    """Run a cluster until SIGTERM."""
    parser = argparse.ArgumentParser(prog="kubelab.engine.daemon")
    parser.add_argument("--name", required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    parser.add_argument("--engine", choices=("embedded", "binaries"), default="embedded")
    parser.add_argument("--no-warm", action="store_true")
    options = parser.parse_args()
    log_as_json()
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    folder = StateFolder.of(options.name)
    try:
        folder.lock(patience_s=0.5)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(folder, options.engine, options.ready_fd, warm=not options.no_warm))
    except (KubelabError, OSError) as error:
        logger.exception("the cluster ended")
        with contextlib.suppress(OSError):
            _tell(options.ready_fd, {"error": str(error)})
        raise SystemExit(1) from error


async def _run(folder: StateFolder, engine: Engine, ready_fd: int, *, warm: bool) -> None:
    clock = RealClock()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    token = _token(folder.path / "token")
    measures = Measures()
    plane = _control_plane(engine, folder, clock, token, measures)
    probing = asyncio.create_task(asyncio.to_thread(probe, folder.path))  # a process of its own meanwhile
    await plane.start()
    try:
        await _serve(
            plane,
            folder,
            stop,
            engine=engine,
            token=token,
            ready_fd=ready_fd,
            isolation=await probing,
            warm=warm,
            measures=measures,
        )
    finally:
        await plane.stop()


def _control_plane(
    engine: Engine, folder: StateFolder, clock: Clock, token: str, measures: Measures
) -> ControlPlane:
    port = _last_port(folder)
    if engine == "binaries":
        from kubelab.engine.binaries import BinariesControlPlane, find

        return BinariesControlPlane(folder.path, find(), token=token, port=port, measures=measures)
    from kubelab.engine.embedded import EmbeddedControlPlane

    return EmbeddedControlPlane(folder.path, clock, token=token, port=port, measures=measures)


async def _serve(
    plane: ControlPlane,
    folder: StateFolder,
    stop: asyncio.Event,
    *,
    engine: Engine,
    token: str,
    ready_fd: int,
    isolation: Isolation,
    warm: bool,
    measures: Measures,
) -> None:
    """Run kubelab's parts on a control plane until told to stop."""
    clock = RealClock()
    url, tls = plane.url, plane.tls
    write_kubeconfig(folder.kubeconfig, name=folder.name, server=url, token=token, tls=tls)
    await bootstrap(plane.client("system:masters"), clock)
    informers = Informers(plane.client("system:informers"))
    node = ProcessNode(
        plane.client(f"system:node:{_node_name(folder)}"),
        informers,
        clock,
        name=_node_name(folder),
        state_dir=folder.path,
        server=ServerAddress(url, tls.ca),
        isolation=isolation,
        warm=warm,
        measures=measures,
    )
    node.kubelet_port = await plane.register_node(_node_name(folder), node)
    lease_s = 300 if engine == "embedded" else 40  # upstream's node controller allows 50 s without renewal
    simulated = SimulatedNodes(plane.client("system:simulated-nodes"), informers, clock, lease_s=lease_s)
    await plane.serve_usage((node.usage, simulated.usage), informers)
    await plane.admit_recommendations(informers)
    parts = {"node": node.run, "simulated nodes": simulated.run}
    tasks = [_started(name, run) for name, run in parts.items()]
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(node.ready.wait(), _NODE_TIMEOUT_S)
    kubeconfig, metrics_url = str(folder.kubeconfig), await plane.metrics_url()
    running = Running(folder.name, url, kubeconfig, token, os.getpid(), engine, metrics_url)
    folder.write_running(running)
    _tell(ready_fd, asdict(running))
    controllers, scheduler = await asyncio.to_thread(_managers)
    all_controllers = controllers(
        plane.client,
        informers,
        clock,
        server_url=await plane.progress_url(),
        ca_pem=tls.ca.read_text(),
        api_url=url,
        which=plane.controllers,
        measures=measures,
    )
    tasks.append(_started("controllers", all_controllers.run))
    if not plane.has_scheduler:
        client = plane.client("system:kube-scheduler")
        tasks.append(_started("scheduler", scheduler(client, informers, clock, measures=measures).run))
    tasks.append(_started("use", _use(folder, plane.client("system:kubelab:usage"), clock)))
    tasks.append(_started("recording", Recording(informers, folder.name, folder.path).run))
    tasks.append(_started("chaos", _chaos(plane, node, clock, folder)))
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # objects come and go by the thousand: an eighth less CPU
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await node.stop()
    await informers.stop()


def _started(name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    return asyncio.create_task(keep(name, run), name=name)


def _chaos(
    plane: ControlPlane, node: ProcessNode, clock: Clock, folder: StateFolder
) -> Callable[[], Awaitable[None]]:
    """Return what carries out chaos experiments."""
    from kubelab.engine.chaos import Experiments, injectors

    client = plane.client("system:kubelab:chaos")
    return Experiments(client, clock, injectors(client, node, plane.disturbance, mark_of(folder.path))).run


def _use(folder: StateFolder, client: Client, clock: Clock) -> Callable[[], Awaitable[None]]:
    """Return what keeps the history of use."""

    async def run() -> None:
        history = await asyncio.to_thread(_history, folder.path / USAGE_FILE)
        try:
            await record(client, history, clock, simulated=False)
        finally:
            history.close()

    return run


def _history(path: Path) -> History:
    """Open the history of use; a damaged one is put aside, and another begun."""
    try:
        return History(path)
    except HistoryError as error:
        logger.warning("%s It is kept as %s.damaged.", error, path.name)
        path.replace(path.with_name(f"{path.name}.damaged"))
        return History(path)


def _managers() -> tuple[type[Controllers], type[Scheduler]]:
    """Import what acts on objects once there are some: a third of all imports, for which no one waits."""
    from kubelab.engine.controllers.registry import Controllers
    from kubelab.engine.scheduler import Scheduler

    return Controllers, Scheduler


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
