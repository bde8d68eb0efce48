"""OpenCost's allocation, on small clusters: a node is 10 cores and 10 GiB at 1 USD/h."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.costs.allocation import Window
from kubelab.costs.allocations import Allocations, Spreading
from kubelab.costs.excess import Excess
from kubelab.costs.grouping import AggregateError
from kubelab.costs.ledger import Ledger
from kubelab.costs.rates import Resources
from kubelab.costs.readings import Rows
from tests.unit.costs.objects import at, node, pod


def ledger(nodes: list[Object], pods: list[Object], hours: float = 10, rows: Rows | None = None) -> Ledger:
    return Ledger.of(nodes, pods, rows or Rows(), now=at(hours))


def names(found: Allocations) -> list[str]:
    return [each.name for step in found.steps for each in step]


def allocations(found: Ledger, aggregate: str = "namespace", **spreading: object) -> Allocations:
    return Allocations.of(
        found,
        Window(at(0), found.now),
        aggregate,
        spreading=Spreading(**spreading),  # type: ignore[arg-type]
    )


TEAMS = [
    pod("a", namespace="red", cpu="4", memory="4Gi", labels={"team": "r"}, owner=("StatefulSet", "db")),
    pod("b", namespace="blue", cpu="1", memory="1Gi"),
]


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        ("namespace", ["red", "blue", "__idle__"]),
        ("controllerKind,controller", ["statefulset/db", "__unallocated__/__unallocated__", "__idle__"]),
        ("label:team", ["r", "__unallocated__", "__idle__"]),
        ("team,namespace", ["r/red", "__unallocated__/blue", "__idle__"]),
        ("node", ["n1", "__idle__"]),
        ("statefulset", ["db", "__unallocated__", "__idle__"]),
    ],
)
def test_costs_are_put_together_by_what_opencost_calls_it(aggregate: str, expected: list[str]) -> None:
    assert names(allocations(ledger([node()], TEAMS), aggregate)) == expected


def test_users_of_a_jupyter_hub_and_their_courses_are_told_apart() -> None:
    pods = [
        pod(name, labels={"hub.jupyter.org/username": name, "course": course})
        for name, course in (("ada", "physics"), ("bob", "physics"), ("cy", "biology"))
    ]
    assert names(allocations(ledger([node()], pods), "label:course,user")) == [
        "biology/cy",
        "physics/ada",
        "physics/bob",
        "__idle__",
    ]


def test_what_pods_do_not_have_is_refused_with_what_they_have() -> None:
    with pytest.raises(AggregateError, match=r"'colour'.*label:NAME"):
        allocations(ledger([node()], TEAMS), "colour")


def test_idle_is_borne_by_what_each_costs_when_it_is_shared() -> None:
    red, blue = allocations(ledger([node()], TEAMS), share_idle=True).steps[0]
    assert red.total_usd == pytest.approx(8.0)
    assert blue.idle.total == pytest.approx(1.0)


def test_idle_of_a_node_is_borne_by_who_is_on_it() -> None:
    found = ledger(
        [node(), node("n2", usd="2")],
        [TEAMS[0], {**TEAMS[1], "spec": {**TEAMS[1]["spec"], "nodeName": "n2"}}],
    )
    blue, red = allocations(found, share_idle=True, idle_by_node=True).steps[0]
    assert (blue.name, blue.total_usd) == ("blue", pytest.approx(20.0))
    assert red.total_usd == pytest.approx(10.0)
    assert names(allocations(found, idle_by_node=True))[-2:] == ["n1/__idle__", "n2/__idle__"]


@pytest.mark.parametrize(("split", "red", "blue"), [("even", 5.5, 2.5), ("weighted", 6.4, 1.6)])
def test_a_shared_namespace_is_borne_evenly_or_by_cost(split: str, red: float, blue: float) -> None:
    system = pod("c", namespace="kube-system", cpu="2", memory="2Gi")
    found = allocations(
        ledger([node()], [*TEAMS, system]),
        shared_namespaces=("kube-system",),
        split=split,
        shared_usd_per_month=73.0,
    )
    assert names(found) == ["red", "blue", "__idle__"]
    assert [each.total_usd for each in found.steps[0][:2]] == pytest.approx([red, blue])
    assert found.total_usd == pytest.approx(found.assets_usd + 1.0)


def test_shared_costs_that_nobody_bears_have_their_own_row() -> None:
    found = allocations(ledger([node()], [pod("c", namespace="s")]), shared_namespaces=("s",))
    assert names(found) == ["__idle__", "__shared__"]
    assert found.total_usd == pytest.approx(found.assets_usd)


def test_use_above_the_request_is_paid_for_and_efficiency_is_use_by_request() -> None:
    used = (
        Excess("uid-b")
        .sampled(Resources(1, 1), Resources(3, 0.5))
        .sampled(Resources(1, 1), Resources(0, 0.5))
    )
    found = allocations(ledger([node()], [TEAMS[1]], rows=Rows(excess=(used,))))
    row = found.frame().iloc[0]
    assert row.cpu_core_hours == pytest.approx(20.0)  # the average of max(1, 3) and max(1, 0)
    assert (row.cpu_efficiency, row.ram_efficiency) == (pytest.approx(1.5), pytest.approx(0.5))
    assert allocations(ledger([node()], TEAMS)).frame()["efficiency"].isna().all()


def test_devices_count_in_our_efficiency_alone_and_only_where_their_use_is_known() -> None:
    used = Excess("uid-g").sampled(Resources(1, 1, 2), Resources(1, 1, 0.5))
    ((share, *_),) = allocations(ledger([node(gpus=2)], [pod("g", gpus=2)], rows=Rows(excess=(used,)))).steps
    row = allocations(ledger([node(gpus=2)], [pod("g", gpus=2)], rows=Rows(excess=(used,)))).to_opencost()[
        "data"
    ][0]
    assert row["default"]["totalEfficiency"] == 1.0
    assert row["default"]["gpuEfficiency"] == 0.25
    weighted = (share.money.cpu + share.money.ram + 0.25 * share.money.gpu) / share.money.total
    assert row["default"]["x_totalEfficiencyWithGpu"] == pytest.approx(weighted, abs=1e-5)
    unknown = Excess("uid-g").sampled(Resources(1, 1, 2), Resources(1, 1))
    frame = allocations(ledger([node(gpus=2)], [pod("g", gpus=2)], rows=Rows(excess=(unknown,)))).frame()
    assert frame["efficiency"].iloc[0] == 1.0
    assert frame["efficiency_with_gpu"].isna().iloc[0]


def test_the_answer_has_opencosts_names() -> None:
    (data,) = allocations(ledger([node()], TEAMS), "controller").to_opencost()["data"]
    row = data["db"]
    assert row["properties"] == {"cluster": "kubelab", "controller": "db"}
    assert row["window"] == {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T10:00:00Z"}
    assert (row["minutes"], row["cpuCores"], row["cpuCoreHours"]) == (600.0, 4.0, 40.0)
    assert row["ramBytes"] == 4 * 2**30
    assert row["totalCost"] == 4.0
    assert data["__idle__"]["totalCost"] == 5.0


def test_a_node_that_has_less_than_its_pods_had_costs_no_more_than_its_price() -> None:
    found = allocations(ledger([node()], [pod("a", cpu="15"), pod("b", cpu="5", namespace="blue")]))
    row = found.to_opencost()["data"][0]["default"]
    assert row["cpuCoreHours"] == 150.0
    assert row["cpuCostAdjustment"] == pytest.approx(-row["cpuCost"] / 2, abs=1e-4)
    assert found.total_usd == pytest.approx(found.assets_usd) == pytest.approx(10.0)


def test_steps_say_what_was_when() -> None:
    found = Allocations.of(
        ledger([node()], [pod("a", cpu="10", memory="10Gi", since=5)]), Window(at(-5), at(10)), step="5h"
    )
    assert names(found) == ["__idle__", "default"]
    assert [len(step) for step in found.steps] == [1, 1]
    assert repr(found) == "<Allocations by namespace: 2 steps in 10 h, 10.00 USD; prices of 2026-07-20>"


AMOUNT = st.integers(min_value=1, max_value=30_000)


@given(
    runs=st.lists(
        st.tuples(
            AMOUNT, AMOUNT, st.integers(0, 9), st.integers(1, 10), st.sampled_from(["n1", "n2", "n3"]),
            st.sampled_from(["a", "b", "sys"]), st.integers(0, 2),
        ),
        max_size=12,
    ),
    share_idle=st.booleans(), idle_by_node=st.booleans(), split=st.sampled_from(["even", "weighted"]),
    step=st.sampled_from([None, "1h", "5h", "1d"]),
    aggregate=st.sampled_from(["namespace", "pod", "node,team"]),
)  # fmt: skip
def test_workloads_idle_and_shared_are_what_the_nodes_cost_to_the_cent(
    runs: list[tuple[int, int, int, int, str, str, int]],
    share_idle: bool, idle_by_node: bool, split: str, step: str | None, aggregate: str,
) -> None:  # fmt: skip
    nodes = [node("n1"), node("n2", usd="3", since=4, gpus=2), node("n3", usd="0.35", cpu=96, memory="384Gi")]
    pods = [
        pod(f"p{i}", on=on, cpu=f"{cpu}m", memory=f"{mib}Mi", since=since, ended=since + length,
            namespace=namespace, gpus=gpus)
        for i, (cpu, mib, since, length, on, namespace, gpus) in enumerate(runs)
    ]  # fmt: skip
    spreading = Spreading(share_idle, idle_by_node, ("sys",), 0.0, split)  # type: ignore[arg-type]
    found = Allocations.of(
        ledger(nodes, pods, hours=12), Window(at(0), at(12)), aggregate, step=step, spreading=spreading
    )
    assert found.assets_usd == pytest.approx(12 * 1 + 8 * 3 + 12 * 0.35)
    assert abs(found.total_usd - found.assets_usd) < 0.01
    assert abs(found.frame()["total_usd"].sum() - found.assets_usd) < 0.01
    assert min((each.total_usd for part in found.steps for each in part), default=0) >= 0


def test_a_namespace_alone_has_its_own_costs_and_no_idle() -> None:
    found = Allocations.of(ledger([node()], TEAMS), Window(at(0), at(10)), "pod", namespace="red")
    assert names(found) == ["a"]
    assert found.total_usd == pytest.approx(4.0)
