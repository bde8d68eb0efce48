"""Vectors of upstream's replica_calculator_test.go (v1.37), restated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.autoscaling.replicas import (
    MetricError,
    PodMetric,
    Proposal,
    Scale,
    Tolerance,
    by_average,
    by_utilization,
    group,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def pod(name: str, *, ready: bool = True, phase: str = "Running", age_s: float = 3600, **meta: Any) -> Object:
    since = rfc3339(NOW - timedelta(seconds=age_s))
    condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": since}
    status = {"phase": phase, "startTime": since, "conditions": [condition]}
    return {"metadata": {"name": name, **meta}, "status": status}


def propose(
    levels: list[int | None],
    *,
    target: int,
    request: int = 1000,
    current: int = 3,
    pods: list[Object] | None = None,
    tolerance: Tolerance | None = None,
    by: str = "utilization",
) -> Proposal:
    found = pods or [pod(f"p{i}") for i in range(len(levels))]
    names = [each["metadata"]["name"] for each in found]
    metrics = {
        name: PodMetric(level, NOW, 60.0)
        for name, level in zip(names, levels, strict=True)
        if level is not None
    }
    groups = group(found, metrics, "cpu", NOW)
    scale = Scale(current, tolerance or Tolerance())
    if by == "average":
        return by_average(groups, metrics, target, scale)
    return by_utilization(groups, metrics, dict.fromkeys(names, request), target, scale)


def test_usage_above_target_scales_up() -> None:
    assert propose([300, 500, 700], target=30) == Proposal(5, 500, 50)


def test_usage_below_target_scales_down() -> None:
    assert propose([100, 300, 500, 250, 250], target=50, current=5) == Proposal(3, 280, 28)


def test_usage_within_ten_percent_changes_nothing() -> None:
    assert propose([1010, 1030, 1020], target=100) == Proposal(3, 1020, 102)
    assert propose([1010, 1030, 1020], target=100, tolerance=Tolerance(0.0, 0.0)).replicas == 4


def test_pods_that_are_not_ready_dampen_a_rise() -> None:
    pods = [pod("p0", ready=False), pod("p1"), pod("p2")]
    assert propose([300, 500, 700], target=30, pods=pods).replicas == 4


def test_a_rise_that_unready_pods_could_take_changes_nothing() -> None:
    pods = [pod("p0"), pod("p1", ready=False), pod("p2", ready=False)]
    assert propose([400, 500, 700], target=30, pods=pods).replicas == 3


def test_pods_without_metrics_count_as_idle_for_a_rise_and_as_full_for_a_fall() -> None:
    assert propose([1000, None], target=50, current=2).replicas == 2
    assert propose([100, 100, 100, None], target=50, current=4).replicas == 3
    assert propose([100, None], target=50, current=2).replicas == 2


def test_pods_that_failed_or_leave_are_not_counted() -> None:
    pods = [pod("p0"), pod("p1"), pod("p2", phase="Failed"), pod("p3", deletionTimestamp="now")]
    assert propose([500, 700, 9999, 9999], target=50, current=2, pods=pods).replicas == 3


def test_a_pod_that_starts_says_nothing_of_cpu_until_a_window_after_it_was_ready() -> None:
    starting = [pod("p0", age_s=30), pod("p1")]
    assert propose([9999, 300], target=30, current=2, pods=starting).replicas == 2
    started = [pod("p0", age_s=61), pod("p1")]
    assert propose([900, 300], target=30, current=2, pods=started).replicas == 4


def test_an_average_value_is_compared_for_each_pod() -> None:
    assert propose([2000, 4000, 6000], target=1000, by="average", current=3).replicas == 12
    assert propose([100, 100], target=1000, by="average", current=2).replicas == 1


def test_without_any_ready_pod_nothing_can_be_said() -> None:
    with pytest.raises(MetricError, match="pods might be unready"):
        propose([300], target=30, pods=[pod("p0", phase="Pending")])
