"""How many replicas one metric asks for. Upstream: ``pkg/controller/podautoscaler/replica_calculator.go``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.engine.controllers.conditions import find
from kubelab.errors import KubelabError

CPU_INITIALIZATION = timedelta(minutes=5)
"""``--horizontal-pod-autoscaler-cpu-initialization-period``."""

INITIAL_READINESS = timedelta(seconds=30)
"""``--horizontal-pod-autoscaler-initial-readiness-delay``."""


_Ratio = Callable[[Mapping[str, int]], float]


class MetricError(KubelabError):
    """A metric cannot be had or used now; ``reason`` is that of the ScalingActive condition."""

    def __init__(self, message: str, reason: str = "FailedGetResourceMetric") -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class PodMetric:
    """What one pod uses of a resource: CPU in millicores, memory in bytes."""

    value: int
    at: datetime
    window_s: float


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far usage may be from its target without a change of scale (10 % by default)."""

    up: float = 0.1
    down: float = 0.1

    def covers(self, ratio: float) -> bool:
        """Tell whether a ratio of usage to target is near enough to 1."""
        return 1 - self.down <= ratio <= 1 + self.up


@dataclass(frozen=True, slots=True)
class Scale:
    """The replicas that a target asks for now, and how near to its target usage may stay."""

    current: int
    tolerance: Tolerance


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a metric asks for.

    Attributes
    ----------
    utilization : int or None
        Usage in percent of the requests, where that is the target.
    average : int
        Usage of a pod.
    """

    replicas: int
    average: int
    utilization: int | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """Pods by what their metrics are worth."""

    ready: frozenset[str]
    unready: frozenset[str]
    missing: frozenset[str]


def group(pods: Iterable[Object], metrics: Mapping[str, PodMetric], resource: str, now: datetime) -> Groups:
    """Sort pods; those that are being deleted or have failed are in no group."""
    ready, unready, missing = set(), set(), set()
    for pod in pods:
        name, status = pod["metadata"]["name"], pod.get("status") or {}
        if "deletionTimestamp" in pod["metadata"] or status.get("phase") == "Failed":
            continue
        if status.get("phase") == "Pending":
            unready.add(name)
        elif name not in metrics:
            missing.add(name)
        elif resource == "cpu" and not _counts(status, metrics[name], now):
            unready.add(name)
        else:
            ready.add(name)
    return Groups(frozenset(ready), frozenset(unready), frozenset(missing))


def by_utilization(
    groups: Groups,
    metrics: Mapping[str, PodMetric],
    requests: Mapping[str, int],
    target_percent: int,
    scale: Scale,
) -> Proposal:
    """Return the replicas that bring usage to a share of the requests."""
    values = _ready_values(groups, metrics)
    utilization = _utilization(values, requests)
    average = sum(values.values()) // len(values)
    fallback = max(100, target_percent)
    replicas = _replicas(
        groups,
        values,
        scale,
        missing={name: requests[name] * fallback // 100 for name in groups.missing},
        ratio_of=lambda found: _utilization(found, requests) / target_percent,
    )
    return Proposal(replicas, average, utilization)


def by_average(
    groups: Groups,
    metrics: Mapping[str, PodMetric],
    target: int,
    scale: Scale,
) -> Proposal:
    """Return the replicas that bring the average usage of a pod to a value."""
    values = _ready_values(groups, metrics)
    replicas = _replicas(
        groups,
        values,
        scale,
        missing=dict.fromkeys(groups.missing, target),
        ratio_of=lambda found: sum(found.values()) / len(found) / target,
    )
    return Proposal(replicas, sum(values.values()) // len(values))


def _ready_values(groups: Groups, metrics: Mapping[str, PodMetric]) -> dict[str, int]:
    values = {name: metrics[name].value for name in groups.ready}
    if not values:
        raise MetricError("did not receive metrics for targeted pods (pods might be unready)")
    return values


def _utilization(values: Mapping[str, int], requests: Mapping[str, int]) -> int:
    asked = sum(requests[name] for name in values)
    if not asked:
        raise MetricError("no metrics returned matched known pods")
    return sum(values.values()) * 100 // asked


def _replicas(
    groups: Groups,
    values: Mapping[str, int],
    scale: Scale,
    *,
    missing: Mapping[str, int],
    ratio_of: _Ratio,
) -> int:
    """Return how many replicas a ratio asks for; pods that are not known well only dampen the change."""
    ratio = ratio_of(values)
    rising_unready = bool(groups.unready) and ratio > 1
    if not rising_unready and not groups.missing:
        return scale.current if scale.tolerance.covers(ratio) else math.ceil(ratio * len(groups.ready))
    assumed = dict(values)
    if groups.missing and ratio < 1:
        assumed |= missing
    elif groups.missing and ratio > 1:
        assumed |= dict.fromkeys(groups.missing, 0)
    if rising_unready:
        assumed |= dict.fromkeys(groups.unready, 0)
    damped = ratio_of(assumed)
    if scale.tolerance.covers(damped) or (ratio < 1 < damped) or (damped < 1 < ratio):
        return scale.current
    wanted = math.ceil(damped * len(assumed))
    if (damped < 1 and wanted > scale.current) or (damped > 1 and wanted < scale.current):
        return scale.current
    return wanted


def _counts(status: Object, metric: PodMetric, now: datetime) -> bool:
    """Tell whether a pod's CPU says anything yet: not while it starts."""
    condition, started = find(status.get("conditions"), "Ready"), status.get("startTime")
    if condition is None or not started:
        return False
    begun, ready = parse_rfc3339(started), condition["status"] == "True"
    since = parse_rfc3339(condition.get("lastTransitionTime") or started)
    if begun + CPU_INITIALIZATION > now:
        return ready and metric.at >= since + timedelta(seconds=metric.window_s)
    return ready or begun + INITIAL_READINESS <= since
