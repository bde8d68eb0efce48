"""Small options, prices and scores to choose among."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from kubelab.autoscaling.option import INSTANCE_TYPE, Option, PendingPod, Template
from kubelab.autoscaling.scores import Part, Score
from kubelab.costs.prices import Price

GIB = 1024**3
DAY = date(2026, 7, 20)


def template(
    cpu: float, memory_gib: float, type_: str = "", *, reserved: float = 0.0, gpus: int = 0
) -> Template:
    capacity = {"cpu": round(cpu * 1000), "memory": round(memory_gib * GIB), "pods": 110}
    if gpus:
        capacity["nvidia.com/gpu"] = gpus
    allocatable = {**capacity, "cpu": round((cpu - reserved) * 1000)}
    return Template(capacity, allocatable, {INSTANCE_TYPE: type_} if type_ else {})


def pods(count: int, cpu: float, memory_gib: float = 0.0) -> tuple[PendingPod, ...]:
    requests = {"cpu": round(cpu * 1000), "memory": round(memory_gib * GIB)}
    return tuple(PendingPod("default", f"pod-{at}", requests) for at in range(count))


def option(
    group: str, kind: Template, taken: tuple[PendingPod, ...] = (), nodes: int = 1, *, exists: bool = True
) -> Option:
    return Option(group, nodes, taken, kind, exists)


@dataclass
class PriceList:
    """Prices by instance type, all of one day."""

    by_type: Mapping[str, float] = field(default_factory=dict)

    def of(self, labels: Mapping[str, str]) -> Price | None:
        found = self.by_type.get(labels.get(INSTANCE_TYPE, ""))
        return None if found is None else Price(found, DAY, "test")


@dataclass
class ScoreList:
    """Scores by instance type."""

    by_type: Mapping[str, Score] = field(default_factory=dict)

    def of(self, labels: Mapping[str, str]) -> Score | None:
        return self.by_type.get(labels.get(INSTANCE_TYPE, ""))


def score(cost: float, performance: float = 100, reliability: float = 100) -> Score:
    return Score(Part(cost, "the set repacked"), Part(performance), Part(reliability))
