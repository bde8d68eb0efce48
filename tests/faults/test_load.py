"""Hours of churn on virtual time: pods come and go, and nothing is left behind.

In full 1,000 nodes, 10,000 pods and 50 watchers, whose memory is measured too; otherwise a hundredth of the
pods in a few seconds.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import psutil
import pytest

from kubelab import Cluster, portal
from kubelab.client import JOBS, METER_READINGS, NODES, PODS, Client, Object
from kubelab.costs.keeping import MOST_READINGS
from kubelab.simulated_cluster import SimulatedCluster

BILL = f"{METER_READINGS.plural}.{METER_READINGS.group}"
LIFE_S = 1800
"""How long each pod runs."""
BATCH_S = 36
BATCHES = LIFE_S // BATCH_S
"""Batches of pods that are alive at once."""
WARM_UP_BATCHES = 175
"""105 minutes: by then pods end, and events are forgotten, as fast as they come."""


@dataclass(frozen=True)
class Size:
    """How much there is at once."""

    nodes: int
    jobs_per_batch: int
    pods_per_job: int
    watchers: int


SHORT = Size(nodes=20, jobs_per_batch=1, pods_per_job=2, watchers=5)
FULL = Size(nodes=1000, jobs_per_batch=10, pods_per_job=20, watchers=50)


class Churn:
    """A simulated cluster under load, and what it holds."""

    def __init__(self, lab: SimulatedCluster, size: Size) -> None:
        self.lab = lab
        self.size = size
        self.server = lab._simulation._server
        self.loop = lab._simulation._loop
        self.seen = 0
        self._made = 0
        self._watchers: list[asyncio.Task[None]] = []

    def batches(self, count: int) -> None:
        for _ in range(count):
            for _ in range(self.size.jobs_per_batch):
                self._made += 1
                portal.run(self.lab.client.create(JOBS, job(f"churn-{self._made}", self.size.pods_per_job)))
            self.lab.run(seconds=BATCH_S)

    def watch(self) -> None:
        self.loop.admit(self._start_watchers()).outcome.result()

    def stop_watching(self) -> None:
        self.loop.admit(self._stop_watchers()).outcome.result()

    def counts(self) -> Counter[str]:
        """Return how much there is of everything that could leak."""
        return self.loop.admit(self._counts()).outcome.result()

    async def _counts(self) -> Counter[str]:
        found = Counter(
            {name: len(collection.objects) for name, collection in self.server.store._collections.items()}
        )
        found["watches"] = len(self.server._watches._watched)
        found["tasks"] = len(asyncio.all_tasks())
        found["timers"] = len(self.loop._timers())
        return found

    async def _start_watchers(self) -> None:
        client = self.server.client("system:masters")
        for number in range(self.size.watchers):
            self._watchers.append(asyncio.create_task(self._follow(client, number)))

    async def _stop_watchers(self) -> None:
        for task in self._watchers:
            task.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    async def _follow(self, client: Client, number: int) -> None:
        path = (PODS, NODES, JOBS)[number % 3].path()
        while True:  # the server ends a watch after half an hour
            async with aclosing(_stream(client, path)) as chunks:
                async for chunk in chunks:
                    self.seen += len(chunk)


def _stream(client: Client, path: str) -> AsyncGenerator[bytes, None]:
    return client.transport.stream("GET", path, {"watch": "true", "allowWatchBookmarks": "true"})


def job(name: str, pods: int) -> Object:
    annotations = {"simulated.kubelab.dev/run-duration": str(LIFE_S)}
    container = {"name": "main", "image": "example", "resources": {"requests": {"cpu": "100m"}}}
    spec = {"restartPolicy": "Never", "containers": [container], "tolerations": [{"operator": "Exists"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "completions": pods,
            "parallelism": pods,
            "ttlSecondsAfterFinished": 10,
            "template": {"metadata": {"annotations": annotations}, "spec": spec},
        },
    }


@pytest.mark.slow
def test_hours_of_churn_leave_nothing_behind(full: bool) -> None:
    size = FULL if full else SHORT
    with Cluster.simulated() as lab:
        lab.add_nodes(size.nodes, {"cpu": 16, "memory": "64Gi"})
        churn = Churn(lab, size)
        lab.run(minutes=1)
        before = churn.counts()
        churn.watch()
        churn.batches(WARM_UP_BATCHES)
        warm, warm_mb = churn.counts(), memory_mb()
        assert warm["pods"] == BATCHES * size.jobs_per_batch * size.pods_per_job
        churn.batches(BATCHES)
        after, after_mb = churn.counts(), memory_mb()
        print(
            f"{warm['pods']} pods, {warm['events']} events: {warm_mb:.0f} MB, "
            f"{after_mb:.0f} MB half an hour later"
        )
        assert grown(warm, after) == {}
        assert churn.seen > 0
        if full:
            assert after_mb <= warm_mb * 1.05
        churn.stop_watching()
        lab.run(hours=3)
        left = churn.counts()
        assert left[BILL] <= MOST_READINGS
        assert grown(before, left, at_most=1.0) == {}


def grown(before: Counter[str], after: Counter[str], at_most: float = 1.05) -> dict[str, tuple[int, int]]:
    """Return what there is more of, but for the bill: it keeps what went, up to a number of readings."""
    return {
        name: (before[name], count)
        for name, count in after.items()
        if count > before[name] * at_most and name != BILL
    }


def memory_mb() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss / 1e6)
