"""One simulated cluster under one policy: what it cost, what it had to cost, and how long pods waited."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from kubelab import portal
from kubelab.client import PODS, Object
from kubelab.clock import parse_rfc3339
from kubelab.errors import KubelabError
from kubelab.scenarios import SEEDED
from kubelab.scenarios.bound import lower_bound
from kubelab.scenarios.scenario import Scenario
from kubelab.scheduling.snapshot import ScoringStrategy
from kubelab.simulated_cluster import SimulatedCluster

LOOK_S = 300.0
"""How often pods are looked at; one that comes and goes between two looks is not seen."""


class UnknownScenarioError(KubelabError, ValueError):
    """There is no such scenario."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"no scenario is called {name!r}. There are: {', '.join(SEEDED)}.")


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be simulated.

    Attributes
    ----------
    policy : str
        A chain of expanders, such as ``score,least-waste``; "" asks for the lower bound alone.
    hours : float or None
        How long; as long as the scenario unless given.
    scale_down : tuple of pairs
        As in `kubelab.cluster.Cluster.autoscale`.
    scoring_strategy : str
        As in `kubelab.cluster.Cluster.simulated`.
    """

    scenario: str
    seed: int
    policy: str
    hours: float | None = None
    scale_down: tuple[tuple[str, float], ...] = ()
    scoring_strategy: ScoringStrategy = "LeastAllocated"

    def made(self) -> Scenario:
        """Return the scenario itself.

        Raises
        ------
        UnknownScenarioError
            If there is none of this name.
        """
        if self.scenario not in SEEDED:
            raise UnknownScenarioError(self.scenario)
        length = {} if self.hours is None else {"hours": self.hours}
        return SEEDED[self.scenario](seed=self.seed, **length)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes
    ----------
    usd : float
        What the nodes cost; for a case without a policy, what they cost at least.
    pods : int
        How many pods were seen.
    pending_s : float
        How many seconds these waited for a node, added up.
    node_hours : float
    """

    case: Case
    usd: float
    pods: int = 0
    pending_s: float = 0.0
    node_hours: float = 0.0


def carry_out(case: Case) -> Outcome:
    """Simulate a case, or find its lower bound; the same case has the same outcome."""
    scenario = case.made()
    if not case.policy:
        return Outcome(case, lower_bound(scenario).usd)
    waits: dict[str, float] = {}
    with SimulatedCluster(case.seed, case.scoring_strategy) as cluster:
        cluster.play(scenario)
        cluster.autoscale(case.policy, seed=case.seed, scale_down=dict(case.scale_down))
        for look in range(1, math.ceil(scenario.hours * 3600 / LOOK_S) + 1):
            cluster.run(seconds=min(LOOK_S, scenario.hours * 3600 - (look - 1) * LOOK_S))
            for pod in portal.run(cluster.client.list(PODS)).items:
                waits[pod["metadata"]["uid"]] = waited_s(pod, cluster.now)
        cost = cluster.cost(hours=scenario.hours)
    return Outcome(case, cost.total_usd, len(waits), sum(waits.values()), cost.node_hours)


def waited_s(pod: Object, now: datetime) -> float:
    """Return how long a pod waited for its node, or has waited so far."""
    since = parse_rfc3339(pod["metadata"]["creationTimestamp"])
    for each in (pod.get("status") or {}).get("conditions") or ():
        if each["type"] == "PodScheduled" and each["status"] == "True":
            return (parse_rfc3339(each["lastTransitionTime"]) - since).total_seconds()
    return (now - since).total_seconds()
