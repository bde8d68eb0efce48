"""The text of the status ConfigMap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

from kubelab.autoscaling.backoff import after_failure
from kubelab.autoscaling.status import Counts, GroupState, status_text

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def group(name: str = "general", **changed: Any) -> GroupState:
    state = {
        "counts": Counts(ready=3),
        "target": 3,
        "min_size": 1,
        "max_size": 9,
        "upcoming": 0,
        "candidates": 0,
    }
    return GroupState(name, **{**state, **changed})


def read(*groups: GroupState, needed: bool = False, others: Counts = Counts()) -> Any:  # noqa: B008
    return yaml.safe_load(status_text(groups, others, needed=needed, now=NOW))


def test_nodes_of_all_groups_and_of_none_are_counted_together() -> None:
    status = read(group(), group("other", counts=Counts(ready=1, unready=1)), others=Counts(not_started=2))
    assert status["clusterWide"]["health"]["nodeCounts"]["registered"] == {
        "total": 7,
        "ready": 4,
        "notStarted": 2,
        "beingDeleted": 0,
        "unready": {"total": 1, "resourceUnready": 0},
    }


def test_scale_up_is_in_progress_needed_or_nothing() -> None:
    assert read(group(upcoming=1), needed=True)["clusterWide"]["scaleUp"]["status"] == "InProgress"
    assert read(group(), needed=True)["clusterWide"]["scaleUp"]["status"] == "Needed"
    assert read(group())["clusterWide"]["scaleUp"]["status"] == "NoActivity"


def test_candidates_are_told_by_group_and_together() -> None:
    status = read(group(candidates=2), group("other", candidates=1))
    assert status["clusterWide"]["scaleDown"]["candidates"] == 3
    assert status["nodeGroups"][1]["scaleDown"] == {
        "status": "CandidatesPresent",
        "candidates": 1,
        "lastProbeTime": "2026-01-01T12:00:00Z",
    }


def test_group_in_back_off_says_why() -> None:
    backoff = after_failure(None, NOW - timedelta(minutes=1), "OutOfCapacity", "none left")
    scale_up = read(group(backoff=backoff))["nodeGroups"][0]["scaleUp"]
    assert scale_up["status"] == "Backoff"
    assert scale_up["backoffInfo"] == {"errorCode": "OutOfCapacity", "errorMessage": "none left"}


def test_cluster_is_unhealthy_once_more_than_three_and_more_than_45_percent_are_unready() -> None:
    assert Counts(ready=0, unready=3).healthy
    assert Counts(ready=5, unready=4).healthy
    assert not Counts(ready=4, unready=4).healthy
