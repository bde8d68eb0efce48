"""Whose money it is, on clusters small enough to reckon by hand.

A node of 10 cores and 10 GiB at 1 USD/h: a core costs 0.0882 USD/h, a GiB 0.0118, by the ratio of
OpenCost's default rates (0.031611 to 0.004237).
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.costs.allocation import Window, allocate
from kubelab.costs.cost import Cost
from kubelab.costs.excess import Excess
from kubelab.costs.grouping import IDLE, UNALLOCATED
from kubelab.costs.intervals import node_interval, pod_interval
from kubelab.costs.rates import Resources
from kubelab.costs.readings import Rows
from kubelab.costs.survey import cost_of
from tests.unit.costs.objects import at, node, pod

CPU_SHARE = 0.031611 / (0.031611 + 0.004237)


def cost(nodes: list[dict], pods: list[dict], hours: float = 10) -> Cost:  # type: ignore[type-arg]
    return cost_of(nodes, pods, start=at(0), now=at(hours))


def test_what_no_pod_has_is_idle() -> None:
    found = cost([node()], [pod("a", cpu="5", memory="5Gi")])
    assert found.total_usd == pytest.approx(10.0)
    assert found.idle_usd == pytest.approx(5.0)
    assert found.idle_share == pytest.approx(0.5)
    assert repr(found) == "<Cost 1.00 USD/h, idle 50 %, 10 h 10.00 USD; prices of 2026-07-20>"


def test_idle_is_told_by_resource() -> None:
    found = cost([node()], [pod("a", cpu="10", memory="1Gi")])
    (only,) = found.allocation.nodes
    assert only.idle.cpu == pytest.approx(0.0)
    assert only.idle.ram == pytest.approx(10 * (1 - CPU_SHARE) * 0.9)


def test_more_than_a_node_has_is_no_negative_idle() -> None:
    found = cost([node()], [pod("a", cpu="20", memory="1Gi")])
    (only,) = found.allocation.nodes
    assert only.idle.cpu == 0.0


def test_namespaces_add_up_to_the_bill() -> None:
    frame = cost([node()], [pod("a"), pod("b", namespace="ml", cpu="3"), pod("c", since=9)]).by_namespace()
    assert list(frame["namespace"]) == ["ml", "default", IDLE]
    assert list(frame["pods"]) == [1, 2, 0]
    assert frame["cpu_core_hours"].iloc[1] == pytest.approx(11.0)
    assert frame["total_usd"].sum() == pytest.approx(10.0)
    assert set(frame["prices_of"]) == {"2026-07-20"}


def test_jobs_and_trials_have_their_own_rows_and_the_rest_has_one() -> None:
    trial = {"katib.kubeflow.org/trial": "s-1", "katib.kubeflow.org/experiment": "s", "job-name": "s-1"}
    found = cost(
        [node()], [pod("a", labels={"job-name": "train"}, ended=5), pod("b", labels=trial), pod("c")]
    )
    assert list(found.by_job()["job"]) == ["s-1", "train", UNALLOCATED, IDLE]
    assert list(found.by_job()["namespace"]) == ["default", "default", "", ""]
    assert list(found.by_trial()["trial"]) == ["s-1", UNALLOCATED, IDLE]
    assert list(found.by_trial()["sweep"]) == ["s", "", ""]
    assert found.by_job()["total_usd"].sum() == pytest.approx(10.0)


def test_a_label_tells_teams_apart() -> None:
    found = cost([node()], [pod("a", labels={"team": "red"}), pod("b", labels={"team": "blue"}), pod("c")])
    assert list(found.by_label("team")["team"]) == ["blue", "red", UNALLOCATED, IDLE]


def test_controllers_of_one_name_are_told_apart_by_kind() -> None:
    found = cost([node()], [pod("a", owner=("Job", "x")), pod("b", owner=("StatefulSet", "x"))])
    assert list(found.by_controller()["kind"]) == ["Job", "StatefulSet", ""]


def test_a_device_is_paid_by_who_holds_it() -> None:
    found = cost([node(gpus=2)], [pod("a", cpu="1m", memory="1Mi", gpus=1)])
    (only,) = found.allocation.nodes
    assert only.idle.gpu == pytest.approx(only.money.gpu / 2)
    assert found.by_namespace()["gpu_hours"].iloc[0] == pytest.approx(10.0)


def test_only_the_window_counts() -> None:
    found = cost_of([node(since=0)], [pod("a", since=0, ended=2)], start=at(1), now=at(4))
    assert found.total_usd == pytest.approx(3.0)
    assert found.by_namespace()["cpu_core_hours"].iloc[0] == pytest.approx(1.0)


def test_use_beyond_the_requests_is_paid_for() -> None:
    used = (
        Excess("uid-a").sampled(Resources(1, 1), Resources(3, 0.5)).sampled(Resources(1, 1), Resources(0, 0))
    )
    assert used.average == Resources(1, 0)
    found = cost_of([node()], [pod("a", cpu="1")], Rows(excess=(used,)), start=at(0), now=at(10))
    assert found.by_namespace()["cpu_core_hours"].iloc[0] == pytest.approx(20.0)


def test_a_pod_does_not_outlive_its_node() -> None:
    gone, life = pod("a"), node_interval(node(), at(2))
    run = pod_interval(gone, at(10))
    assert run is not None
    found = allocate([life], [run], Window(at(0), at(10)))
    assert [each.hours for each in found.pods] == [2.0]


def test_a_node_without_a_price_is_said_to_have_none() -> None:
    found = cost([node(), node("n2", usd=None)], [pod("a", on="n2")])
    assert found.unpriced == ("n2",)
    assert repr(found) == (
        "<Cost 1.00 USD/h, idle 100 %, 10 h 10.00 USD, 1 of 2 nodes without a price; prices of 2026-07-20>"
    )
    assert repr(cost([node(usd=None)], [])) == "<Cost: no node has a price>"
    assert found.by_node()["usd_per_hour"].isna().sum() == 1


def test_an_empty_cluster_costs_nothing() -> None:
    found = cost([], [])
    assert (found.total_usd, found.idle_share, found.hours) == (0.0, 0.0, 0.0)
    assert repr(found) == "<Cost: no node has a price>"
    assert list(found.by_namespace()["total_usd"]) == [0.0]


def test_nodes_are_told_apart() -> None:
    frame = cost([node(), node("n2", since=5, usd="2")], [pod("a", cpu="10", memory="10Gi")]).by_node()
    assert list(frame["node"]) == ["n1", "n2"]
    assert list(frame["hours"]) == [10.0, 5.0]
    assert list(frame["idle_usd"]) == pytest.approx([0.0, 10.0])


AMOUNT = st.integers(min_value=1, max_value=4000)


@given(
    st.lists(
        st.tuples(AMOUNT, AMOUNT, st.integers(0, 9), st.integers(1, 10), st.sampled_from(["n1", "n2", "n3"])),
        max_size=20,
    )
)
def test_shares_and_idle_always_add_up_to_what_nodes_cost(runs: list[tuple[int, int, int, int, str]]) -> None:
    # 20 pods of at most 4 cores fit on 80 cores: nothing is over-committed
    nodes = [node("n1", cpu=80, memory="80Gi"), node("n2", cpu=80, memory="80Gi", usd="3", since=4)]
    pods = [
        pod(f"p{i}", on=on, cpu=f"{cpu}m", memory=f"{mib}Mi", since=since, ended=since + length)
        for i, (cpu, mib, since, length, on) in enumerate(runs)
    ]
    found = cost(nodes, pods, hours=12)
    assert found.total_usd == pytest.approx(12 * 1 + 8 * 3)
    for frame in (found.by_namespace(), found.by_job(), found.by_trial(), found.by_controller()):
        assert frame["total_usd"].sum() == pytest.approx(found.total_usd)
    assert found.by_node()["total_usd"].sum() == pytest.approx(found.total_usd)


def test_spending_changes_when_nodes_come_and_go() -> None:
    frame = cost([node("a"), node("b", since=4)], [pod("p")]).over_time()
    assert [(row.time, row.usd_per_hour) for row in frame.itertuples()] == [
        (at(0), 1.0),
        (at(4), 2.0),
        (at(10), 0.0),
    ]
