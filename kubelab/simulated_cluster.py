"""`SimulatedCluster`: a `Cluster` in this process whose time passes only when a cell says so."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kubelab import portal
from kubelab.client import NODES, Client
from kubelab.clock import Clock
from kubelab.cluster import Cluster
from kubelab.engine.simulation import Simulation
from kubelab.errors import KubelabError
from kubelab.quantities import Quantity, cpu_millicores, whole
from kubelab.scenarios.player import play, prepare
from kubelab.scenarios.scenario import Scenario
from kubelab.scheduling.snapshot import ScoringStrategy
from kubelab.simulated_pod import NODE_PREFIX, read_annotation
from kubelab.simulated_usage import DeclaredUse, Point

if TYPE_CHECKING:
    from kubelab.usage.series import UsageSource


class SimulationTimeError(KubelabError, ValueError):
    """Time was to pass by an amount that makes no sense."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}. Say how long, such as run(hours=24) or run(seconds=30).")


class NotReachedError(KubelabError):
    """What was waited for did not come about in the time that was given to it.

    Attributes
    ----------
    now : datetime
        When the simulation stopped, in UTC.
    """

    def __init__(self, hours: float, now: datetime) -> None:
        self.hours = hours
        self.now = now
        super().__init__(
            f"the condition does not hold after {hours:g} simulated hours, at {now:%Y-%m-%d %H:%M:%S}. "
            "Give it more with run_until(..., hours=...), or see events() for what happened."
        )


class SimulatedCluster(Cluster):
    """A cluster without machines, on virtual time; make one with `Cluster.simulated`.

    Time stands still between calls of `run`, but what is asked of the cluster takes effect at once:
    controllers and scheduler do all that needs no time. Nothing is kept after `close`.

    Parameters
    ----------
    seed : int
        Clusters of one seed that are asked the same do the same, to the uids and times.
    scoring_strategy : "LeastAllocated" or "MostAllocated"
        Whether the scheduler spreads pods over nodes, as it does by default, or packs them.
    """

    def __init__(self, seed: int = 0, scoring_strategy: ScoringStrategy = "LeastAllocated") -> None:
        self.seed = seed
        self._simulation = Simulation(seed, scoring_strategy)
        self._simulation.start()
        super().__init__(f"simulated-{seed}", self._simulation.client, engine="simulated")

    @property
    def now(self) -> datetime:
        """What time it is in the cluster, in UTC."""
        return self._simulation.now

    def play(self, scenario: Scenario) -> None:
        """Let a scenario happen from now on: it goes on while `run` lets time pass.

        Its node groups are created at once, but those that are there.
        """
        portal.run(prepare(self.client, scenario))
        self._simulation.spawn(lambda client: play(client, scenario.actions))

    def set_usage(
        self,
        workload: str,
        node: str,
        *,
        cpu: Quantity = 0,
        memory: Quantity = 0,
        series: Sequence[Point] = (),
        every_s: float | None = None,
    ) -> None:
        """Say what pods of a workload use on one node from now on, whatever they declare themselves.

        Parameters
        ----------
        workload : str
            Its name, of whatever kind; that of the pod for a bare pod.
        node : str
            Where; pods of the workload on other nodes go on as before.
        cpu, memory : quantity
            Constant use of each pod, such as ``"250m"`` and ``"128Mi"``.
        series : sequence of (seconds, millicores, bytes)
            Use over time instead: each point holds until the next, counted from now.
        every_s : float, optional
            After how many seconds the series begins anew.

        Raises
        ------
        QuantityError
            If an amount is none.
        DeclarationError
            If the series makes no sense.
        NotFoundError
            If there is no such node.
        """
        points = tuple(series) or ((0.0, cpu_millicores(cpu), whole(memory)),)
        text = DeclaredUse(points, self.now, every_s).written()
        name = f"{NODE_PREFIX}{self.namespace}.{workload}"
        read_annotation(name, text)
        patch = {"metadata": {"annotations": {name: text}}}
        portal.run(self.client.patch(NODES, node, patch))

    def run(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Let time pass, and return what time it is then.

        Raises
        ------
        SimulationTimeError
            If that is no time at all, or time past.
        """
        length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        if length <= timedelta():
            raise SimulationTimeError(f"time cannot pass by {length.total_seconds():g} seconds")
        self._simulation.advance(length.total_seconds())
        return self.now

    def run_until(
        self, condition: Callable[[], object], *, hours: float = 24, every_s: float = 1.0
    ) -> datetime:
        """Let time pass until something holds, and return what time it is then.

        Parameters
        ----------
        condition : callable
            Asked whenever something is due, but not more often than each ``every_s`` simulated seconds.
        hours : float
            How long to go on at most.

        Raises
        ------
        NotReachedError
            If it does not hold by then.
        """
        if every_s <= 0:
            raise SimulationTimeError(f"a condition cannot be asked every {every_s:g} seconds")
        end = self.now + timedelta(hours=hours)
        while not condition():
            if self.now >= end:
                raise NotReachedError(hours, self.now)
            left_s = (end - self.now).total_seconds()
            self._simulation.advance(min(every_s, left_s), at_most_s=left_s)
        return self.now

    def usage_source(self) -> UsageSource:
        """Return who knows best what containers used: what was recorded, else what the pods there declare."""
        from kubelab.usage.declared import DeclaredUsage

        return self._history or DeclaredUsage(self.client)

    def _now(self) -> datetime:
        return self.now

    def _begin(self, work: Callable[[Client, Clock], Coroutine[Any, Any, None]]) -> None:
        self._simulation.spawn(lambda client: work(client, self._simulation.clock))

    def close(self) -> None:
        """End the cluster; nothing of it is kept."""
        super().close()
        self._simulation.close()
