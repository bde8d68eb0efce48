"""One step of the autoscaler's loop at 1,000 nodes with 30 pods each, and a virtual day of 500 nodes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from kubelab import Cluster, portal
from kubelab.client import NODES
from kubelab.clock import monotonic
from kubelab.engine.controllers.clusterautoscaler.settings import Settings
from kubelab.engine.controllers.clusterautoscaler.step import Step
from kubelab.scenarios.objects import deployment, scale
from kubelab.scenarios.player import play
from kubelab.scenarios.scenario import Action, Scenario
from kubelab.simulated_cluster import SimulatedCluster
from tests.bench.figure import Figure

NODE_COUNT, PODS_EACH, PENDING = 1000, 30, 3000
DAY_NODES, DAY_PODS, SERVICES = 500, 10_000, 50
_SLOT = {"cpu": "260m", "memory": "900Mi"}
"""30 of them fill a m6i.2xlarge by its 7.91 cores."""


def measure() -> list[Figure]:
    """Measure."""
    return [*loop(), *day()]


def loop() -> list[Figure]:
    """Time each step while the cluster is full, while many pods wait, and while much of it is idle."""
    with Cluster.simulated(seed=1) as lab, timed_steps() as steps:
        lab.add_node_group("general", instance_type="m6i.2xlarge", min_size=NODE_COUNT, max_size=3000)
        services = [deployment(0, f"web-{at}", "default", 600, _SLOT) for at in range(50)]
        portal.run(play(lab.client, services))
        lab.run(minutes=5)
        bound = NODE_COUNT * PODS_EACH
        lab.autoscale("least-waste")
        lab.run(seconds=30)
        full = take(steps)
        more = [deployment(0, f"more-{at}", "default", PENDING // 10, _SLOT) for at in range(10)]
        portal.run(play(lab.client, more))
        lab.run(seconds=15)
        grown = take(steps)
        lab.run(minutes=3)
        portal.run(play(lab.client, [scale(0, f"web-{at}", "default", 200) for at in range(50)]))
        take(steps)
        lab.run(minutes=2)
        emptied = take(steps)
    return [
        Figure(
            "autoscaler",
            "a step, 1,000 nodes x 30 pods, nothing to do",
            1.0,
            max(full),
            "s",
            note=f"{bound} pods",
        ),
        Figure(
            "autoscaler",
            "a step with 3,000 pods without room",
            1.0,
            max(grown),
            "s",
            note="slowest of its steps",
        ),
        Figure(
            "autoscaler",
            "a step when two thirds of the pods are gone",
            1.0,
            max(emptied),
            "s",
            note="the same",
        ),
    ]


def day() -> list[Figure]:
    """Play 24 hours of services that follow the sun, ten thousand pods at most."""
    random = Random(1)
    size = DAY_PODS // SERVICES
    actions: list[Action] = [
        deployment(0, f"web-{at}", "default", size, _day_slot(at)) for at in range(SERVICES)
    ]
    for step in range(1, 48):
        sun = 0.85 + 0.15 * math.cos(step / 48 * 2 * math.pi)
        for at in range(SERVICES):
            replicas = min(size, round(size * sun * random.uniform(0.97, 1.03)))
            actions.append(scale(step * 1800.0, f"web-{at}", "default", replicas))
    began_s = monotonic()
    with Cluster.simulated(seed=1) as lab:
        lab.add_node_group("general", instance_type="m6i.2xlarge", min_size=0, max_size=700)
        lab.autoscale("least-waste")
        lab.play(Scenario("day", "", 1, 24, (), tuple(actions)))
        lab.run(hours=1)
        most = count(lab)
        lab.run(hours=23)
        decisions = len(lab.decisions())
    took_s = monotonic() - began_s
    note = f"{most} nodes in the first hour, {decisions} decisions"
    return [Figure("autoscaler", "24 virtual hours, 10,000 pods on 500 nodes", 60.0, took_s, "s", note=note)]


def count(lab: SimulatedCluster) -> int:
    """Return how many nodes there are."""
    return len(portal.run(lab.client.list(NODES)).items)


def take(steps: list[float]) -> list[float]:
    """Return the times that were taken since the last call."""
    taken, steps[:] = list(steps), []
    return taken


@contextmanager
def timed_steps() -> Iterator[list[float]]:
    """Time every step of the loop."""
    times: list[float] = []
    original = Step.take

    async def timed(self: Step, settings: Settings) -> None:
        began_s = monotonic()
        await original(self, settings)
        times.append(monotonic() - began_s)

    Step.take = timed  # type: ignore[method-assign]
    try:
        yield times
    finally:
        Step.take = original  # type: ignore[method-assign]


def _day_slot(at: int) -> dict[str, str]:
    """Return what a pod of a service asks for; 20 of the mean fill a node."""
    return {"cpu": f"{340 + 20 * (at % 5)}m", "memory": f"{1000 + 100 * (at % 4)}Mi"}
