"""Which nodes are found unneeded, and why others stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kubelab.autoscaling.scale_down import (
    CANDIDATE,
    TO_BE_DELETED,
    Candidate,
    Thresholds,
    Verdict,
    find_unneeded,
    is_due,
    utilization,
)
from kubelab.client import Object
from tests.unit.scheduling.objects import Cluster, cluster, node, pod

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def owned(**given: Any) -> Object:
    made = pod(**given)
    made["metadata"]["ownerReferences"] = [
        {"kind": "ReplicaSet", "name": "r", "uid": "r", "controller": True}
    ]
    return made


class World:
    """Nodes with pods on them, judged by name."""

    def __init__(self, placed: dict[str, list[Object]], spare: int = 10, **taints: list[Object]) -> None:
        self.placed = placed
        nodes = [node(name, cpu="4", memory="8Gi", taints=taints.get(name)) for name in placed]
        self.made: Cluster = cluster(*nodes, placed=placed)
        self.spare = {"group": spare}

    def judge(self, *names: str, disabled: bool = False, ready: bool = True) -> dict[str, Verdict]:
        cache = self.made.cache
        found = find_unneeded(
            [Candidate(cache.nodes[name], "group", ready, disabled) for name in names or self.placed],
            cache.snapshot(),
            [],
            spare=self.spare,
            thresholds=Thresholds(),
            now=NOW,
            pods_on=lambda name: self.placed[name],
            info_of=self.made.info,
        )
        return {verdict.node: verdict for verdict in found}


def test_node_whose_pods_fit_elsewhere_is_not_needed() -> None:
    verdict = World({"a": [owned(cpu="1")], "b": [owned(cpu="3")]}).judge("a", "b")["a"]
    assert verdict.unneeded
    assert list((verdict.moves or {}).values()) == ["b"]
    assert "25%" in verdict.why


def test_node_that_is_asked_for_by_more_than_half_stays() -> None:
    verdict = World({"a": [owned(cpu="2100m")], "b": []}).judge("a")["a"]
    assert verdict.reason == "NotUnderutilized"


def test_half_is_not_more_than_half() -> None:
    assert World({"a": [owned(cpu="2")], "b": []}).judge("a")["a"].unneeded


def test_node_that_is_not_ready_may_go_however_much_it_is_used() -> None:
    assert World({"a": [owned(cpu="4")], "b": []}).judge("a", ready=False)["a"].unneeded


def test_pods_that_fit_nowhere_keep_their_node() -> None:
    verdict = World({"a": [owned(cpu="2")], "b": [owned(cpu="3")]}).judge("a")["a"]
    assert verdict.reason == "NoPlaceToMovePods"


def test_what_one_removal_takes_is_gone_for_the_next() -> None:
    """Of three nodes with 1.5 CPU each, 4 in all: the first goes, then there is no room for another."""
    placed = {name: [owned(cpu="1500m")] for name in "abc"}
    found = World(placed).judge()
    assert [name for name, verdict in found.items() if verdict.unneeded] == ["a"]


def test_removal_that_fails_halfway_takes_no_room() -> None:
    placed = {
        "a": [owned(cpu="1"), owned(cpu="1", nodeSelector={"kind": "other"})],
        "b": [owned(cpu="1")],
        "c": [owned(cpu="3")],
    }
    found = World(placed).judge("a", "b")
    assert found["a"].reason == "NoPlaceToMovePods"
    assert found["b"].unneeded


def test_pod_with_nobody_to_create_it_anew_keeps_its_node() -> None:
    assert World({"a": [pod(cpu="1")], "b": []}).judge("a")["a"].reason == "NotReplicated"


def test_group_keeps_its_minimum() -> None:
    found = World({"a": [], "b": [], "c": []}, spare=1).judge()
    assert [verdict.reason for verdict in found.values()] == ["", *["NodeGroupMinSizeReached"] * 2]


def test_annotated_node_stays() -> None:
    assert World({"a": []}).judge("a", disabled=True)["a"].reason == "ScaleDownDisabledAnnotation"


def test_pods_are_not_moved_to_a_node_that_is_about_to_go() -> None:
    going = [{"key": TO_BE_DELETED, "value": "1", "effect": "NoSchedule"}]
    verdict = World({"a": [owned(cpu="1")], "b": []}, b=going).judge("a")["a"]
    assert verdict.reason == "NoPlaceToMovePods"


@pytest.mark.parametrize("key", [CANDIDATE])
def test_candidate_taint_only_discourages(key: str) -> None:
    soft = [{"key": key, "value": "1", "effect": "PreferNoSchedule"}]
    assert World({"a": [owned(cpu="1")], "b": []}, b=soft).judge("a")["a"].unneeded


def test_node_with_gpus_is_judged_by_them_alone() -> None:
    obj = node("gpu", cpu="8", memory="8Gi")
    obj["status"]["allocatable"]["nvidia.com/gpu"] = "4"
    busy = owned(cpu="8")
    made = cluster(obj, placed={"gpu": [busy]})
    assert utilization(made.cache.nodes["gpu"]) == (0.0, "nvidia.com/gpu")


def test_node_is_due_after_ten_minutes_and_one_that_is_not_ready_after_twenty() -> None:
    since = NOW - timedelta(minutes=10)
    assert is_due(since, NOW, Thresholds(), ready=True)
    assert not is_due(since, NOW, Thresholds(), ready=False)
    assert is_due(NOW - timedelta(minutes=20), NOW, Thresholds(), ready=False)
