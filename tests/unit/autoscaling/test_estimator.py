from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubelab.autoscaling import estimator
from kubelab.autoscaling.estimator import Estimate, estimate
from kubelab.client import Object
from kubelab.scheduling.snapshot import Node, NodeInfo, PodInfo, Snapshot
from tests.unit.scheduling.objects import cluster, host_port, node, pod

EMPTY = Snapshot({})


def fresh(*daemons: Object, **kind: object) -> NodeInfo:
    made = NodeInfo(Node.of(node("template", **kind), 0))  # type: ignore[arg-type]
    for each in daemons:
        made = made.plus(cluster().info(each))
    return made


def alike(count: int, obj: Object) -> list[PodInfo]:
    info = cluster().info(obj)
    return [replace(info, name=f"{info.name}-{at}", uid=f"{info.uid}-{at}") for at in range(count)]


def counts(found: Estimate) -> tuple[int, int]:
    return found.node_count, len(found.pods)


def apart(app: str, key: str = "kubernetes.io/hostname") -> Object:
    return {"podAntiAffinity": rule(app, key)}


def together(app: str, key: str = "kubernetes.io/hostname") -> Object:
    return {"podAffinity": rule(app, key)}


def rule(app: str, key: str) -> Object:
    term = {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}}
    return {"requiredDuringSchedulingIgnoredDuringExecution": [term]}


def test_upstreams_vector_takes_2595_nodes_for_51000_pods() -> None:
    groups = [alike(50_000, pod(cpu="50m", memory="100")), alike(1_000, pod(cpu="95m", memory="190"))]
    found = estimate(groups, fresh(cpu="1", memory="5000", pods="100"), EMPTY, max_nodes=5_000)
    assert counts(found) == (2_595, 51_000)


def test_large_pods_are_placed_first_and_small_ones_fill_the_gaps() -> None:
    small, large = alike(4, pod(cpu="1")), alike(2, pod(cpu="3"))
    found = estimate([small, large], fresh(cpu="4"), EMPTY)
    assert found.node_count == 3
    assert found.pods[:2] == tuple(large)


def test_daemonset_pods_take_their_room_on_every_new_node() -> None:
    found = estimate([alike(4, pod(cpu="2"))], fresh(pod(cpu="1"), cpu="4"), EMPTY)
    assert found.node_count == 4


def test_pod_that_fits_no_fresh_node_is_left_out_and_its_node_is_not_counted() -> None:
    found = estimate([alike(2, pod(cpu="9")), alike(2, pod(cpu="1"))], fresh(cpu="4"), EMPTY)
    assert counts(found) == (1, 2)


def test_no_more_nodes_than_allowed_but_later_groups_still_fill_gaps() -> None:
    groups = [alike(5, pod(cpu="3")), alike(5, pod(cpu="1"))]
    assert counts(estimate(groups, fresh(cpu="4"), EMPTY, max_nodes=2)) == (2, 4)


def test_nothing_is_added_once_time_is_up() -> None:
    groups = [alike(5, pod(cpu="3"))]
    assert counts(estimate(groups, fresh(cpu="4"), EMPTY, out_of_time=lambda: True)) == (0, 0)


def test_pod_count_of_the_node_is_a_limit() -> None:
    assert estimate([alike(25, pod())], fresh(pods="10"), EMPTY).node_count == 3


def test_pods_with_a_host_port_get_a_node_each() -> None:
    groups = [alike(3, pod(containers=host_port(8080)))]
    assert estimate(groups, fresh(), EMPTY).node_count == 3


def test_pods_that_avoid_each_other_get_a_node_each() -> None:
    assert estimate([alike(3, pod(labels={"app": "a"}, affinity=apart("a")))], fresh(), EMPTY).node_count == 3


def test_pods_spread_over_hosts_are_packed_as_evenly_as_they_ask() -> None:
    spread = [
        {
            "topologyKey": "kubernetes.io/hostname",
            "maxSkew": 1,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "a"}},
        }
    ]
    groups = [alike(6, pod(cpu="2", labels={"app": "a"}, topologySpreadConstraints=spread))]
    assert counts(estimate(groups, fresh(cpu="4"), EMPTY)) == (3, 6)


def test_plain_pods_stay_off_nodes_of_pods_that_avoid_them() -> None:
    shy = alike(1, pod(cpu="3", labels={"app": "shy"}, affinity=apart("plain")))
    plain = alike(2, pod(cpu="1", labels={"app": "plain"}))
    assert estimate([shy, plain], fresh(cpu="8"), EMPTY).node_count == 2


def test_pods_that_existing_pods_keep_out_of_the_zone_find_no_node() -> None:
    zone = {"topology.kubernetes.io/zone": "a"}
    shy = pod(affinity=apart("plain", key="topology.kubernetes.io/zone"))
    there = cluster(node("old", labels=zone), placed={"old": [shy]})
    groups = [alike(2, pod(labels={"app": "plain"}))]
    assert counts(estimate(groups, fresh(labels=zone), there.cache.snapshot())) == (0, 0)
    assert counts(estimate(groups, fresh(), there.cache.snapshot())) == (1, 2)


def test_taint_that_is_not_tolerated_keeps_pods_off() -> None:
    tainted = fresh(taints=[{"key": "gpu", "effect": "NoSchedule"}])
    tolerant = pod(tolerations=[{"key": "gpu", "operator": "Exists"}])
    assert counts(estimate([alike(1, pod()), alike(1, tolerant)], tainted, EMPTY)) == (1, 1)


def spread(skew: int, key: str = "kubernetes.io/hostname") -> Object:
    return {
        "topologyKey": key,
        "maxSkew": skew,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "a"}},
    }


ZONE = "topology.kubernetes.io/zone"
RULES: list[Object] = [
    {},
    {},
    {"containers": host_port(80)},
    {"topologySpreadConstraints": [spread(1)]},
    {"topologySpreadConstraints": [spread(2), spread(3, ZONE)]},
    {"affinity": apart("a")},
    {"affinity": apart("b")},
    {"affinity": together("a")},
    {"affinity": together("b", ZONE)},
]


@settings(max_examples=150, deadline=None)
@given(
    sizes=st.lists(
        st.tuples(
            st.integers(1, 9), st.integers(1, 40), st.sampled_from("ab"), st.integers(0, len(RULES) - 1)
        ),
        min_size=1,
        max_size=6,
    ),
    max_nodes=st.integers(1, 8),
    there=st.lists(st.sampled_from("ab"), max_size=3),
)
def test_counting_places_the_same_pods_as_asking_one_by_one(
    sizes: list[tuple[int, int, str, int]], max_nodes: int, there: list[str]
) -> None:
    groups = [
        alike(count, pod(cpu=f"{tenths}00m", labels={"app": app}, **RULES[rule]))
        for count, tenths, app, rule in sizes
    ]
    shy = pod(affinity=apart("b", ZONE), labels={"app": "a"})
    zone = {ZONE: "z"}
    old = cluster(
        *(node(f"old-{at}", labels={ZONE: f"z{at}"}) for at in range(len(there))),
        placed={f"old-{at}": [shy if at else pod(labels={"app": app})] for at, app in enumerate(there)},
    ).cache.snapshot()
    template = fresh(pod(cpu="300m"), cpu="4", pods="7", labels=zone)
    with pytest.MonkeyPatch.context() as patched:
        fast = estimate(groups, template, old, max_nodes=max_nodes)
        patched.setattr(estimator, "_fit", lambda group, packed: estimator._OneByOne(packed))
        slow = estimate(groups, template, old, max_nodes=max_nodes)
    assert fast == slow
