"""Whether a pod is to be updated, and before which others."""

from __future__ import annotations

import pytest

from kubelab.clock import rfc3339
from kubelab.rightsizing.application import Recommended
from kubelab.rightsizing.priority import (
    OBSERVED_CONTAINERS,
    Priority,
    is_required,
    priority,
    reason_to_update,
    requests_of,
)
from tests.unit.rightsizing.objects import START, at, autoscaler, container, cpu, pod


def test_request_below_the_lower_bound_grows_and_is_outside() -> None:
    assert priority(pod(), cpu(1500, 1200, 2000)) == Priority(outside=True, grows=True, difference=0.5)


def test_request_within_the_bounds_that_shrinks() -> None:
    assert priority(pod(), cpu(750, 500, 1000)) == Priority(outside=False, grows=False, difference=0.25)


def test_differences_of_resources_add_up() -> None:
    both = {"main": Recommended({"cpu": 1200, "memory": 500})}
    assert priority(pod(), both) == Priority(outside=False, grows=True, difference=pytest.approx(0.7))


def test_missing_request_is_outside_whatever_the_bounds() -> None:
    found = priority(pod("web", container()), cpu(10, 1, 100))
    assert found == Priority(outside=True, grows=True, difference=9.0)


def test_container_that_admission_did_not_see_is_left_out() -> None:
    given = pod("web", container("main", requests={"cpu": "1"}), container("side", requests={"cpu": "1"}))
    given["metadata"]["annotations"] = {OBSERVED_CONTAINERS: "main"}
    side = {"side": Recommended({"cpu": 5000}, {"cpu": 4000}, {"cpu": 6000})}
    assert priority(given, {**cpu(1000, 500, 2000), **side}) == Priority(
        outside=False, grows=False, difference=0.0
    )


def test_what_grows_comes_first_and_then_what_changes_most() -> None:
    shrinks, grows, grows_more = (priority(pod(), cpu(target, 1, 9999)) for target in (100, 1100, 1500))
    assert sorted([shrinks, grows, grows_more], key=lambda each: each.rank) == [grows_more, grows, shrinks]


def test_pod_within_its_range_is_updated_only_when_old_and_different_enough() -> None:
    small, large = priority(pod(), cpu(950, 1, 9999)), priority(pod(), cpu(900, 1, 9999))
    assert not reason_to_update(pod(), large, autoscaler(), at(11.9))
    assert reason_to_update(pod(), large, autoscaler(), at(12))
    assert not reason_to_update(pod(), small, autoscaler(), at(12))


@pytest.mark.parametrize(
    ("ran_h", "target", "update", "reason"),
    [
        (0.1, 1100, {}, "killed for memory"),
        (0.2, 1100, {}, ""),
        (0.2, 1100, {"evictAfterOOMSeconds": 3600}, "killed for memory"),
        (0.1, 1000, {}, ""),
    ],
)
def test_pod_that_was_killed_for_memory_early_is_updated_if_that_changes_anything(
    ran_h: float, target: int, update: dict[str, int], reason: str
) -> None:
    killed = pod()
    ended = {"reason": "OOMKilled", "startedAt": rfc3339(START), "finishedAt": rfc3339(at(ran_h))}
    killed["status"]["containerStatuses"] = [{"name": "main", "lastState": {"terminated": ended}}]
    found = priority(killed, cpu(target, 1, 9999))
    assert reason_to_update(killed, found, autoscaler(**update), at(1)).startswith(reason)
    assert bool(reason) == bool(reason_to_update(killed, found, autoscaler(**update), at(1)))


def test_what_the_node_gave_counts_before_what_was_asked_for() -> None:
    given = pod()
    given["status"]["containerStatuses"] = [{"name": "main", "resources": {"requests": {"cpu": "250m"}}}]
    assert requests_of(given, "main") == {"cpu": 250}


@pytest.mark.parametrize(("target", "allowed"), [(1100, True), (900, False)])
def test_eviction_only_in_the_direction_that_is_required(target: int, allowed: bool) -> None:
    higher = [{"resources": ["cpu", "memory"], "changeRequirement": "TargetHigherThanRequests"}]
    assert is_required(pod(), cpu(target, 1, 9999), autoscaler(evictionRequirements=higher)) == allowed
