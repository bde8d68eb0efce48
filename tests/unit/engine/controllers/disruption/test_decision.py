from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.disruption.decision import desired_healthy, failed, judge

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def budget(status: Object | None = None, **spec: Any) -> Object:
    return {"metadata": {"name": "b", "generation": 2}, "spec": spec, "status": status or {}}


def pod(name: str, *, ready: bool = True, **metadata: Any) -> Object:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    return {"metadata": {"name": name, **metadata}, "status": {"conditions": [condition]}}


@pytest.mark.parametrize(
    ("spec", "expected", "desired"),
    [
        ({"minAvailable": 2}, 5, 2),
        ({"minAvailable": "28%"}, 2, 1),
        ({"minAvailable": "50%"}, 3, 2),
        ({"maxUnavailable": "28%"}, 7, 5),
        ({"maxUnavailable": 3}, 2, 0),
        ({"maxUnavailable": 0}, 2, 2),
    ],
)
def test_shares_are_rounded_up(spec: Object, expected: int, desired: int) -> None:
    assert desired_healthy(spec, expected) == desired


def test_healthy_pods_above_the_minimum_may_go() -> None:
    pods = [pod("a"), pod("b"), pod("c", ready=False), pod("d", deletionTimestamp=rfc3339(NOW))]
    status = judge(budget(minAvailable=1), pods, 0, NOW).status
    assert (status["currentHealthy"], status["desiredHealthy"], status["expectedPods"]) == (2, 1, 4)
    assert status["disruptionsAllowed"] == 1
    assert status["observedGeneration"] == 2
    (condition,) = status["conditions"]
    assert (condition["status"], condition["reason"]) == ("True", "SufficientPods")


def test_a_share_is_of_what_the_controllers_want() -> None:
    status = judge(budget(maxUnavailable="30%"), [pod("a"), pod("b")], 10, NOW).status
    assert (status["expectedPods"], status["desiredHealthy"]) == (10, 7)
    assert status["disruptionsAllowed"] == 0
    assert status["conditions"][0]["reason"] == "InsufficientPods"


def test_an_evicted_pod_is_not_healthy_until_its_eviction_is_forgotten() -> None:
    evicted = {"disruptedPods": {"a": rfc3339(NOW), "gone": rfc3339(NOW)}}
    pods = [pod("a"), pod("b")]
    under_way = judge(budget(evicted, minAvailable=1), pods, 0, NOW + timedelta(seconds=60))
    assert under_way.status["currentHealthy"] == 1
    assert under_way.status["disruptedPods"] == {"a": rfc3339(NOW)}
    assert under_way.recheck_s == 61
    forgotten = judge(budget(evicted, minAvailable=1), pods, 0, NOW + timedelta(seconds=121))
    assert forgotten.status["currentHealthy"] == 2
    assert "disruptedPods" not in forgotten.status
    assert [each["metadata"]["name"] for each in forgotten.not_deleted] == ["a"]


def test_a_budget_without_pods_allows_nothing() -> None:
    assert judge(budget(maxUnavailable=1), [], 0, NOW).status["disruptionsAllowed"] == 0


def test_a_budget_that_cannot_be_judged_says_why() -> None:
    status = failed(budget({"disruptionsAllowed": 3, "expectedPods": 4}, maxUnavailable=1), "no scale", NOW)
    assert (status["disruptionsAllowed"], status["expectedPods"]) == (0, 4)
    assert status["conditions"][0]["reason"] == "SyncFailed"
    assert status["conditions"][0]["message"] == "no scale"
