"""The recommender: samples taken in, and recommendations for many containers and for many scope groups.

Asked: two million samples a second; 10,000 containers within a second; 5,000 groups of a DaemonSet's pods,
the most that AEP-10031 measures, within two, and in time that grows no faster than they do.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from kubelab.clock import monotonic
from kubelab.rightsizing.checkpoints import checkpoint_status
from kubelab.rightsizing.recommender import Recommender, Workload
from kubelab.usage.series import ContainerKey
from tests.bench.figure import Figure

CONTAINERS = 10_000
SAMPLES = 200
"""Of each container, one a minute; each resource."""
GROUPS = (1000, 5000)
ASKED_SAMPLES = 2e6
ASKED_CONTAINERS_S = 1.0
ASKED_GROUPS_S = 2.0
START = 1_700_000_000.0
REPEATS = 5


def measure() -> list[Figure]:
    """Measure."""
    recommender = _recommender(CONTAINERS)
    return [*_samples(), *_containers(recommender), *_scopes()]


def _samples() -> list[Figure]:
    figures = []
    for order in ("by container", "by time"):
        taken = [_observe(_recommender(CONTAINERS, samples=0), SAMPLES, order=order) for _ in range(3)]
        rate = statistics.median(taken)
        note = f"{2 * CONTAINERS * SAMPLES:,} samples of {CONTAINERS:,} containers in two batches"
        figures.append(Figure("rightsizing", f"samples {order}", ASKED_SAMPLES, rate, "1/s", True, note))
    return figures


def _observe(recommender: Recommender, samples: int, *, order: str) -> float:
    containers = len(recommender.aggregation.containers)
    random = np.random.default_rng(7)
    rows, ticks = np.repeat(np.arange(containers), samples), np.tile(np.arange(samples), containers)
    if order == "by time":
        rows, ticks = np.tile(np.arange(containers), samples), np.repeat(np.arange(samples), containers)
    times = START + ticks * 60.0
    cpu, memory = random.lognormal(-2, 1, len(rows)), random.lognormal(19, 1, len(rows))
    started = monotonic()
    counted = recommender.aggregation.observe("cpu", rows, times, cpu)
    counted += recommender.aggregation.observe("memory", rows, times, memory)
    took = monotonic() - started
    if counted != 2 * len(rows):
        raise AssertionError(counted)
    return counted / took


def _recommender(containers: int, samples: int = 20) -> Recommender:
    recommender = Recommender()
    for number in range(containers):
        key = ContainerKey("shop", f"pod-{number}", "app", "DaemonSet", "agent", f"node-{number}")
        recommender.track(key, ("agent", f"node-{number}"))
    if samples:
        _observe(recommender, samples, order="by container")
    return recommender


def _containers(recommender: Recommender) -> list[Figure]:
    workloads = [Workload({"app": [("agent", f"node-{number}")]}) for number in range(CONTAINERS)]
    took = _median(lambda: recommender.recommend(workloads))
    checkpoints = _median(
        lambda: [
            checkpoint_status(recommender.aggregation, [("agent", f"node-{number}")], datetime.now(UTC))
            for number in range(200)
        ]
    )
    return [
        Figure("rightsizing", f"recommend {CONTAINERS:,} containers", ASKED_CONTAINERS_S, took, "s"),
        Figure("rightsizing", "a checkpoint", None, checkpoints / 200 * 1000, "ms"),
    ]


def _scopes() -> list[Figure]:
    figures, each = [], []
    for count in GROUPS:
        recommender = _recommender(count)
        names = [("agent", f"node-{number}") for number in range(count)]
        workloads = [Workload({"app": names}), *(Workload({"app": [name]}) for name in names)]
        took = _median(lambda r=recommender, w=workloads: r.recommend(w))  # type: ignore[misc]
        each.append(took / count)
        note = "and the aggregate of all of them"
        figures.append(
            Figure("rightsizing", f"recommend {count:,} groups", ASKED_GROUPS_S, took, "s", note=note)
        )
    growth = each[1] / each[0]
    note = "time for a group among 5,000, over that among 1,000"
    return [*figures, Figure("rightsizing", "growth with groups", 1.5, growth, "x", note=note)]


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        started = monotonic()
        work()
        times.append(monotonic() - started)
    return statistics.median(times)
