"""Which nodes a cheaper one could stand in for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kubelab.autoscaling.consolidation import Fleet, Replacement, StandIn, find_replacement
from kubelab.autoscaling.scale_down import Candidate
from kubelab.client import Object
from kubelab.scheduling.snapshot import Node, NodeInfo
from tests.unit.autoscaling.test_scale_down import owned
from tests.unit.scheduling.objects import cluster, node, pod

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def consolidate(
    placed: dict[str, list[Object]],
    prices: dict[str, float],
    *offered: tuple[str, str, float],
    spare: int = 10,
    **candidate: Any,
) -> Replacement | None:
    """Judge nodes of 4 CPU, given what could stand in for them: group, CPU and price."""
    made = cluster(*[node(name, cpu="4", memory="64Gi") for name in placed], placed=placed)
    fresh = {
        group: NodeInfo(Node.of(node(f"new-{group}", cpu=cpu, memory="64Gi"), 0)) for group, cpu, _ in offered
    }
    fleet = Fleet(
        snapshot=made.cache.snapshot(),
        budgets=[],
        usd_per_hour=prices,
        spare={"group": spare},
        pods_on=lambda name: placed[name],
        info_of=made.info,
    )
    return find_replacement(
        [Candidate(made.cache.nodes[name], "group", **candidate) for name in prices],
        [StandIn(group, fresh[group], usd) for group, _, usd in offered],
        fleet,
        NOW,
    )


def test_node_is_replaced_by_a_cheaper_one_that_holds_its_pods() -> None:
    found = consolidate({"a": [owned(cpu="1500m")]}, {"a": 1.0}, ("small", "2", 0.5), ("tiny", "1", 0.2))
    assert found is not None
    assert (found.group, [each.node for each in found.leaving]) == ("small", ["a"])
    assert found.saved_usd_per_hour == 0.5
    assert "0.5 USD/h less" in found.why


def test_several_nodes_are_replaced_by_one_that_costs_less_than_all() -> None:
    placed = {"a": [owned(cpu="3")], "b": [owned(cpu="3")], "c": [owned(cpu="3")]}
    found = consolidate(placed, dict.fromkeys("abc", 1.0), ("large", "9", 2.0))
    assert found is not None
    assert [each.node for each in found.leaving] == ["a", "b", "c"]


def test_room_on_other_nodes_is_used_first() -> None:
    placed = {"a": [owned(cpu="3")], "b": [owned(cpu="3"), owned(cpu="1")], "c": [owned(cpu="1")]}
    found = consolidate(placed, {"a": 1.0, "b": 1.0}, ("small", "4", 0.9))
    assert found is not None
    assert set((found.leaving[0].moves or {}).values()) | set((found.leaving[1].moves or {}).values()) == {
        "c",
        "new-small",
    }


def test_less_than_a_twentieth_is_not_worth_the_evictions() -> None:
    assert consolidate({"a": [owned(cpu="1")]}, {"a": 1.0}, ("small", "2", 0.96)) is None
    assert consolidate({"a": [owned(cpu="1")]}, {"a": 1.0}, ("small", "2", 0.95)) is not None


def test_nodes_that_have_to_stay_are_not_replaced() -> None:
    offer = ("small", "2", 0.1)
    assert consolidate({"a": [pod(cpu="1")]}, {"a": 1.0}, offer) is None
    assert consolidate({"a": [owned(cpu="1")]}, {"a": 1.0}, offer, disabled=True) is None
    assert consolidate({"a": [owned(cpu="1")]}, {"a": 1.0}, offer, ready=False) is None


def test_group_does_not_shrink_below_its_minimum() -> None:
    placed = {"a": [owned(cpu="3")], "b": [owned(cpu="3")]}
    found = consolidate(placed, {"a": 1.0, "b": 1.0}, ("large", "8", 0.5), spare=1)
    assert found is not None
    assert [each.node for each in found.leaving] == ["a"]
