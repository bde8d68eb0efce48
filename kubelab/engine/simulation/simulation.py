"""`Simulation`: the control plane and simulated nodes, on virtual time, in a thread of this process."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from kubelab.client import Client
from kubelab.clock import Clock, VirtualClock
from kubelab.engine.apiserver.app import ApiServer
from kubelab.engine.bootstrap import bootstrap
from kubelab.engine.controllers.registry import Controllers
from kubelab.engine.keeping import keep
from kubelab.engine.nodes.simulated import SimulatedNodes
from kubelab.engine.scheduler import Scheduler
from kubelab.engine.simulation.doorway import Doorway
from kubelab.engine.simulation.loop import SimulationClosedError, VirtualTimeLoop
from kubelab.informer import Informers
from kubelab.scheduling.snapshot import ScoringStrategy

START = datetime(2026, 1, 1, tzinfo=UTC)
"""What time it is when a simulation begins."""

_LEASE_S = 6 * 3600
"""A day of a thousand nodes renews leases 12,000 times; with a real node's 40 s it would be 6.5 million."""


class Simulation:
    """A cluster whose time passes only when it is told to.

    Parameters
    ----------
    seed : int
        Two simulations of one seed that are asked the same do the same, to the uids and times.
    scoring_strategy : str
        The scheduler's.

    Attributes
    ----------
    client : Client
        Reaches the cluster from any loop, as an administrator.
    """

    def __init__(self, seed: int = 0, scoring_strategy: ScoringStrategy = "LeastAllocated") -> None:
        self._seed = seed
        self._scoring_strategy: ScoringStrategy = scoring_strategy
        self._loop = VirtualTimeLoop()
        self._clock = VirtualClock(self._loop.time, START)
        self._folder = TemporaryDirectory(prefix="kubelab-")  # for keys, should somebody ask for a token
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulation", daemon=True)
        self._server = ApiServer(
            Path(self._folder.name),
            self._clock,
            token="",
            random=Random(seed),  # noqa: S311 - names are to be repeatable
            durable=False,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._informers: Informers | None = None
        self._closed = False
        self._passing = threading.Lock()
        inner = self._server.client("system:masters").transport
        self.client = Client(Doorway(self._loop, inner))

    @property
    def clock(self) -> Clock:
        """The simulation's clock."""
        return self._clock

    @property
    def now(self) -> datetime:
        """The simulation's time, in UTC."""
        return self._clock.now()

    def start(self) -> None:
        """Bring the cluster up; no virtual time passes but what that takes."""
        self._thread.start()
        started = self._loop.admit(self._start())
        self._loop.advance(1.0).result()
        started.outcome.result()

    def advance(self, seconds: float, *, at_most_s: float = 0.0) -> None:
        """Let time pass and do what falls due; returns when nothing is left to do then.

        Parameters
        ----------
        at_most_s : float
            Where nothing is due by then, go on to what is, but no longer than this.

        Raises
        ------
        SimulationClosedError
            If it was closed.
        """
        if self._closed:
            raise SimulationClosedError
        with self._passing, _seldom_collected():
            arrived = self._loop.advance(seconds, to_event_within=at_most_s)
            try:
                arrived.result()
            except BaseException:
                self._loop.halt()
                raise

    def spawn(self, work: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
        """Begin work that goes on while time passes; it is given a client, and ends with the cluster."""
        client = self._server.client("system:masters")

        async def begin() -> None:
            task = asyncio.create_task(work(client))
            self._tasks.append(task)

        self._loop.admit(begin()).outcome.result()

    def close(self) -> None:
        """End the cluster; nothing of it is kept."""
        if self._closed:
            return
        self._closed = True
        if self._thread.is_alive():
            self._loop.admit(self._stop()).outcome.result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    async def _start(self) -> None:
        server, clock = self._server, self._clock
        await server.start()
        await bootstrap(server.client("system:masters"), clock)
        self._informers = informers = Informers(server.client("system:informers"))
        nodes = SimulatedNodes(server.client("system:simulated-nodes"), informers, clock, lease_s=_LEASE_S)
        server.register_usage(nodes.usage)
        scheduler = Scheduler(
            server.client("system:kube-scheduler"),
            informers,
            clock,
            seed=self._seed,
            scoring_strategy=self._scoring_strategy,
        )
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "controllers": Controllers(server.client, informers, clock).run,
            "simulated nodes": nodes.run,
            "scheduler": scheduler.run,
        }
        self._tasks = [asyncio.create_task(keep(name, run), name=name) for name, run in parts.items()]

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._informers is not None:
            await self._informers.stop()
        await self._dismiss_visitors()
        await self._server.stop()

    @staticmethod
    async def _dismiss_visitors() -> None:
        """Cancel what callers still wait for, such as watches: they are told that it is over."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Look for cyclic garbage less often: a quarter of the time went there at ten thousand pods."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)  # as the daemon of a lab cluster
    try:
        yield
    finally:
        gc.set_threshold(*before)
