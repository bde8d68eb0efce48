"""What a daemon's pod is first given on a node that has never run it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.rightsizing.new_nodes.features import NodeFeatures
from kubelab.rightsizing.new_nodes.prediction import Known, NewNodes

GPU = "nvidia.com/gpu"


def node(cores: float = 8, pool: str = "web", *, gpu: bool = False, zone: str = "a") -> NodeFeatures:
    labels = {"pool": pool, "topology.kubernetes.io/zone": zone}
    return NodeFeatures({"cpu": cores, "pods": 110.0}, labels, frozenset({GPU} if gpu else ()))


def pools(each: int = 6) -> list[Known]:
    return [
        Known(node(pool=pool, zone="abc"[at // 3]), target * (0.9, 1.0, 1.1)[at % 3])
        for pool, target in (("web", 100), ("data", 800))
        for at in range(each)
    ]


def sizes() -> list[Known]:
    return [Known(node(cores), 50 * cores) for cores in (2, 4, 8, 16, 32) for _ in range(3)]


def test_a_node_of_a_known_pool_gets_what_that_pool_needs() -> None:
    made = NewNodes(pools())
    assert made.predict(node(pool="web")).target == pytest.approx(100, rel=0.1)
    found = made.predict(node(pool="data"))
    assert found.target == pytest.approx(800, rel=0.1)
    assert 600 < found.lower < found.target < found.upper < 1100
    assert found.terms == ("pool=data",)
    assert found.why == "from 12 groups by pool=data (6 on nodes of its kind)"


def test_what_grows_with_the_node_grows_for_a_size_never_seen() -> None:
    found = NewNodes(sizes()).predict(node(64))
    assert found.target == pytest.approx(3200, rel=0.01)
    assert found.terms == ("cpu^1",)


def test_growth_is_not_carried_on_beyond_twice_what_is_known() -> None:
    made = NewNodes(sizes())
    assert made.predict(node(640)).target == made.predict(node(64)).target


def test_a_pool_never_seen_gets_a_wide_interval_and_says_so() -> None:
    found = NewNodes(pools()).predict(node(pool="edge"))
    assert found.lower <= 90
    assert found.upper >= 880
    assert found.unlike_any == ("pool=edge",)
    assert found.alike == 0
    assert found.why.endswith("none has pool=edge, so the interval is wide")


def test_a_device_that_no_known_node_has_widens_the_interval() -> None:
    made = NewNodes(pools())
    plain, gpu = made.predict(node()), made.predict(node(gpu=True))
    assert gpu.unlike_any == (GPU,)
    assert gpu.upper >= 879 > plain.upper


def test_labels_that_tell_nothing_are_not_looked_at() -> None:
    random = np.random.default_rng(1)
    known = [
        Known(node(zone="abc"[at % 3], pool="pq"[at % 2]), float(random.lognormal(4, 0.3)))
        for at in range(60)
    ]
    found = NewNodes(known).predict(node(pool="p"))
    assert found.terms == ()
    assert "nothing tells them apart" in found.why


def test_few_groups_promise_less() -> None:
    found = NewNodes([Known(node(), target) for target in (90, 100, 120)]).predict(node())
    assert found.level == 0.75
    assert NewNodes(pools()).predict(node()).level == 0.9


def test_nine_of_ten_targets_are_inside_of_the_interval() -> None:
    random = np.random.default_rng(5)

    def drawn() -> Known:
        cores, gpu = float(random.choice([4, 8, 16, 32])), bool(random.random() < 0.3)
        return Known(node(cores, gpu=gpu), 30 * cores * (4 if gpu else 1) * float(random.lognormal(0, 0.4)))

    inside = []
    for _ in range(20):
        made = NewNodes([drawn() for _ in range(40)])
        for real in (drawn() for _ in range(25)):
            found = made.predict(real.features)
            inside.append(found.lower <= real.target <= found.upper)
    assert 0.84 < np.mean(inside) < 0.96


def test_the_same_groups_in_any_order_predict_the_same() -> None:
    assert NewNodes(pools()).predict(node()) == NewNodes(pools()[::-1]).predict(node())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(1, 1e12),
            st.sampled_from([1.0, 4.0, 96.0]),
            st.sampled_from(["web", "data", ""]),
            st.booleans(),
        ),
        min_size=3,
        max_size=30,
    ),
    st.sampled_from(["web", "edge"]),
)
def test_whatever_is_known_the_target_is_inside_of_its_interval(
    drawn: list[tuple[float, float, str, bool]], pool: str
) -> None:
    known = [Known(node(cores, name, gpu=gpu), target) for target, cores, name, gpu in drawn]
    found = NewNodes(known).predict(node(16, pool))
    assert 0 < found.lower <= found.target <= found.upper < np.inf


def test_a_node_is_read_with_its_family_and_devices() -> None:
    obj: Object = {
        "metadata": {
            "labels": {
                "kubernetes.io/hostname": "a",
                "pool": "web",
                "node.kubernetes.io/instance-type": "g5.xlarge",
            }
        },
        "status": {
            "allocatable": {"cpu": "3920m", "memory": "16Gi", "pods": "58", GPU: "1", "hugepages-2Mi": "0"}
        },
    }
    found = NodeFeatures.of(obj)
    assert found.sizes == {"cpu": 3.92, "memory": 2**34, "pods": 58}
    assert found.devices == {GPU}
    assert found.labels == {
        "pool": "web",
        "node.kubernetes.io/instance-type": "g5.xlarge",
        "node.kubernetes.io/instance-family": "g5",
    }


def test_nodes_together_have_the_labels_of_all_and_mean_sizes() -> None:
    found = NodeFeatures.together([node(8, zone="a", gpu=True), node(16, zone="b")])
    assert found == NodeFeatures({"cpu": 12, "pods": 110}, {"pool": "web"})
