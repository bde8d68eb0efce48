"""The decision over readings, range, rate and history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.engine.controllers.autoscaling.behavior import History, Limits, Moment, limited, stabilized
from kubelab.engine.controllers.autoscaling.decision import Decision, Reading, decide
from kubelab.engine.controllers.autoscaling.replicas import MetricError

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
CPU = "cpu resource utilization (percentage of request)"


def ago(seconds: float, number: int) -> Moment:
    return Moment(NOW - timedelta(seconds=seconds), number)


def at(replicas: int, current: int, history: History | None = None, **spec: Any) -> Decision:
    readings = [Reading(CPU, replicas, {})]
    return decide({"maxReplicas": 10, **spec}, current, readings, history or History(), NOW)


def condition(decision: Decision, type_: str) -> Object:
    return [each for each in decision.conditions if each["type"] == type_][-1]


def test_a_rise_says_what_is_above_its_target() -> None:
    decision = at(5, 3)
    assert (decision.replicas, decision.reason) == (5, f"{CPU} above target")
    assert condition(decision, "ScalingActive")["reason"] == "ValidMetricFound"
    assert condition(decision, "AbleToScale")["message"] == (
        "the HPA controller was able to update the target scale to 5"
    )
    assert condition(decision, "ScalingLimited")["reason"] == "DesiredWithinRange"


def test_a_fall_waits_for_five_minutes_of_lower_recommendations() -> None:
    before = History((ago(299, 5),))
    assert at(3, 5, before).replicas == 5
    assert condition(at(3, 5, before), "AbleToScale")["reason"] == "ScaleDownStabilized"
    decision = at(3, 5, History((ago(301, 5),)))
    assert (decision.replicas, decision.reason) == (3, "All metrics below target")


def test_the_range_limits_what_metrics_ask_for() -> None:
    decision = at(20, 8)
    assert (decision.replicas, condition(decision, "ScalingLimited")["reason"]) == (10, "TooManyReplicas")
    low = at(1, 3, minReplicas=2)
    assert (low.replicas, condition(low, "ScalingLimited")["reason"]) == (2, "TooFewReplicas")


def test_without_behavior_a_target_at_most_doubles() -> None:
    decision = at(40, 3, maxReplicas=100)
    assert (decision.replicas, condition(decision, "ScalingLimited")["reason"]) == (6, "ScaleUpLimit")
    assert at(40, 1, maxReplicas=100).replicas == 4


def test_a_target_outside_of_its_range_is_brought_into_it_without_metrics() -> None:
    assert at(0, 12).reason == "Current number of replicas above Spec.MaxReplicas"
    assert at(0, 1, minReplicas=2).reason == "Current number of replicas below Spec.MinReplicas"


def test_a_target_of_zero_is_left_alone() -> None:
    decision = at(5, 0)
    assert (decision.replicas, condition(decision, "ScalingActive")["reason"]) == (0, "ScalingDisabled")


def test_a_metric_that_fails_forbids_a_fall_but_not_a_rise() -> None:
    bad = Reading("x", error=MetricError("no x", "FailedGetExternalMetric"))
    spec = {"maxReplicas": 10}
    down = decide(spec, 5, [Reading(CPU, 2, {}), bad], History(), NOW)
    assert (down.replicas, condition(down, "ScalingActive")["reason"]) == (5, "FailedGetExternalMetric")
    assert down.failure == "invalid metrics (1 invalid out of 2), first error is: no x"
    assert decide(spec, 5, [Reading(CPU, 7, {}), bad], History(), NOW).replicas == 7


@pytest.mark.parametrize(
    ("rules", "current", "wanted", "changes", "expected"),
    [
        ({"policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}]}, 3, 99, (), 7),
        ({"policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}]}, 7, 99, (ago(59, 4),), 7),
        ({"policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}]}, 7, 99, (ago(61, 4),), 11),
        ({"policies": [{"type": "Percent", "value": 10, "periodSeconds": 60}]}, 5, 99, (), 6),
        ({"selectPolicy": "Disabled"}, 5, 99, (), 5),
        ({}, 5, 99, (), 10),
        ({"selectPolicy": "Min"}, 5, 99, (), 9),
    ],
)
def test_policies_bound_a_rise(
    rules: Object, current: int, wanted: int, changes: tuple[Moment, ...], expected: int
) -> None:
    limits = Limits(1, 1000, {"scaleUp": rules})
    assert limited(wanted, current, limits, History((), changes), NOW)[0] == expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]}, 8),
        ({"policies": [{"type": "Percent", "value": 15, "periodSeconds": 60}]}, 8),
        ({"selectPolicy": "Disabled"}, 10),
        ({}, 1),
    ],
)
def test_policies_bound_a_fall(rules: Object, expected: int) -> None:
    limits = Limits(1, 1000, {"scaleDown": rules})
    replicas, reason = limited(1, 10, limits, History(), NOW)
    assert replicas == expected
    assert reason == ("DesiredWithinRange" if expected == 1 else "ScaleDownLimit")


def test_windows_hold_a_scale_between_the_lowest_and_highest_recommendation() -> None:
    behavior = {
        "scaleUp": {"stabilizationWindowSeconds": 60},
        "scaleDown": {"stabilizationWindowSeconds": 60},
    }
    limits = Limits(1, 100, behavior)
    history = History((ago(30, 4), ago(50, 8), ago(70, 2)))
    assert stabilized(9, 5, limits, history, NOW) == (5, "ScaleUpStabilized")
    assert stabilized(9, 3, limits, history, NOW) == (4, "ScaleUpStabilized")
    assert stabilized(3, 9, limits, history, NOW) == (8, "ScaleDownStabilized")
    assert stabilized(9, 9, limits, history, NOW) == (9, "")
