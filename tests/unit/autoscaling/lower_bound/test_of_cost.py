"""The least that a cluster had to cost, from what its meter noted."""

from datetime import UTC, date, datetime, timedelta

import pytest

from kubelab.autoscaling.builders import node_group
from kubelab.autoscaling.catalogue.catalogue import shipped
from kubelab.autoscaling.lower_bound.of_cost import bound_of, bounded
from kubelab.autoscaling.node_group import NodeGroup
from kubelab.costs.allocation import Window, allocate
from kubelab.costs.cost import Cost
from kubelab.costs.intervals import NodeInterval, PodInterval
from kubelab.costs.prices import Price
from kubelab.costs.rates import Resources
from kubelab.owners import Owner

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def node(name: str, cores: float = 8, usd: float = 1.0) -> NodeInterval:
    price = Price(usd, date(2026, 7, 20))
    return NodeInterval(name, name, at(0), at(4), Resources(cores, 4 * cores), price, "own.large")


def pod(name: str, start: float, end: float, cores: float = 6, kind: str = "Job") -> PodInterval:
    return PodInterval("default", name, name, "a", at(start), at(end), Resources(cores, 1), Owner(kind))


def cost(*pods: PodInterval) -> Cost:
    return Cost(allocate([node("a"), node("b")], pods, Window(at(0), at(4))), usd_per_hour=2)


def test_line_is_the_nodes_that_the_pods_needed_while_they_ran() -> None:
    found = bounded(cost(pod("one", 0, 3), pod("two", 1, 2)))
    assert found.lower_bound_usd == pytest.approx(4, abs=0.05)
    assert found.total_usd == pytest.approx(8)
    assert "x the lower bound" in repr(found)


def test_node_groups_that_were_not_used_count_too() -> None:
    group = NodeGroup.of(node_group("cheap", "m6i.2xlarge"), shipped())
    found = bound_of(cost(pod("one", 0, 4)), [group])
    assert found.usd == pytest.approx(4 * 0.384)


def test_daemon_sets_pods_need_no_node_of_their_own() -> None:
    assert bound_of(cost(pod("agent", 0, 4, kind="DaemonSet"))).usd == 0


def test_pod_that_used_more_than_any_node_has_is_left_out() -> None:
    assert bound_of(cost(pod("large", 0, 4, cores=9))).usd == 0
