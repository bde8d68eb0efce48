"""Pods without room, their groups, and the options for them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubelab.autoscaling.option import Template
from kubelab.autoscaling.scale_up import (
    GROUPS_PER_CONTROLLER,
    Offered,
    alike,
    capped,
    offers,
    without_room,
)
from kubelab.scheduling.snapshot import Node as NodePart
from kubelab.scheduling.snapshot import NodeInfo
from tests.unit.scheduling.objects import Cluster, cluster, node, pod

GIB = 2**30


def offered(name: str, made: Cluster, cpu: int, memory_gib: int = 16, shut: str = "") -> Offered:
    amounts = {"cpu": cpu * 1000, "memory": memory_gib * GIB, "pods": 110}
    obj = node(f"template-{name}", cpu=f"{cpu}", memory=f"{memory_gib}Gi")
    return Offered(name, Template(amounts, amounts), NodeInfo(NodePart.of(obj, 0)), shut)


def test_pods_that_fit_on_nodes_are_not_without_room() -> None:
    made = cluster(node("a", cpu="3"))
    pods = [made.info(pod(cpu="1")) for _ in range(5)]
    assert len(without_room(pods, made.cache.snapshot())) == 2


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2)), max_size=20),
)
def test_each_pod_takes_the_first_node_that_has_room(cores: list[int], asked: list[tuple[int, int]]) -> None:
    made = cluster(*(node(f"n{number}", cpu=f"{each}") for number, each in enumerate(cores)))
    pods = [
        made.info(pod(f"p{number}", cpu=f"{cpu}", priority=priority))
        for number, (cpu, priority) in enumerate(asked)
    ]
    free, left = list(cores), set()
    for at in sorted(range(len(asked)), key=lambda at: (-asked[at][1], pods[at].created, pods[at].key)):
        first = next((number for number, room in enumerate(free) if room >= asked[at][0]), None)
        if first is None:
            left.add(pods[at].key)
        else:
            free[first] -= asked[at][0]
    assert {each.key for each in without_room(pods, made.cache.snapshot())} == left


def test_room_goes_to_the_most_important_pod_first() -> None:
    made = cluster(node("a", cpu="1"))
    low, high = made.info(pod("low", cpu="1")), made.info(pod("high", cpu="1", priority=10))
    assert without_room([low, high], made.cache.snapshot()) == [low]


def test_pod_that_must_spread_has_no_room_beside_its_like() -> None:
    made = cluster(node("a", cpu="4"))
    apart = {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "x"}}}
            ]
        }
    }
    pods = [made.info(pod(cpu="1", labels={"app": "x"}, affinity=apart)) for _ in range(2)]
    made.place(pod("there", cpu="1", labels={"app": "x"}), "a")
    assert len(without_room(pods, made.cache.snapshot())) == 2


def test_pods_of_one_controller_and_shape_are_alike() -> None:
    made = cluster()
    pods = [made.info(pod(cpu=cpu)) for cpu in ("1", "1", "2")]
    assert [len(group) for group in alike(pods, lambda _pod: "owner")] == [2, 1]
    assert [len(group) for group in alike(pods, lambda _pod: "")] == [1, 1, 1]


def test_controller_has_so_many_groups_and_no_more() -> None:
    made = cluster()
    shapes = [made.info(pod(cpu=f"{number}m")) for number in range(1, GROUPS_PER_CONTROLLER + 2)]
    again = [made.info(pod(cpu=f"{number}m")) for number in range(1, GROUPS_PER_CONTROLLER + 2)]
    sizes = [len(group) for group in alike([*shapes, *again], lambda _pod: "owner")]
    assert sizes == [2] * GROUPS_PER_CONTROLLER + [1, 1]


def test_each_group_that_can_help_is_an_option() -> None:
    made = cluster()
    pods = [[made.info(pod(cpu="3")) for _ in range(4)]]
    found = offers(pods, [offered("small", made, 4), offered("large", made, 8)], made.cache.snapshot())
    assert [(each.node_group, each.node_count, len(each.pods)) for each in found.options] == [
        ("small", 4, 4),
        ("large", 2, 4),
    ]
    assert found.hopeless == ()


def test_group_that_is_too_small_says_what_is_missing_and_how_much() -> None:
    made = cluster()
    pods = [[made.info(pod("giant", cpu="10", memory="64Gi"))]]
    found = offers(pods, [offered("small", made, 4)], made.cache.snapshot())
    assert found.options == ()
    assert found.unhelped[0].reason == (
        "cpu: the pod asks for 10, a new node has 4 (6 too little); "
        "memory: the pod asks for 64 GiB, a new node has 16 GiB (48 GiB too little)"
    )
    assert [each.name for each in found.hopeless] == ["giant"]


def test_group_that_is_shut_is_no_option() -> None:
    made = cluster()
    pods = [[made.info(pod(cpu="1"))]]
    found = offers(
        pods, [offered("full", made, 4, shut="max node group size reached")], made.cache.snapshot()
    )
    assert found.options == ()
    assert found.unhelped[0].reason == "max node group size reached"


def test_increase_ends_at_the_groups_room_and_at_the_clusters() -> None:
    assert capped(10, room=4, total=0, max_total=0) == 4
    assert capped(10, room=40, total=8, max_total=12) == 4
    assert capped(10, room=40, total=12, max_total=12) == 0
