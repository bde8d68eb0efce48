from kubelab.scheduling.snapshot import tie_break
from tests.unit.scheduling.objects import Cluster, cluster, node, pod


def test_pods_of_a_node_not_seen_yet_count_once_it_comes() -> None:
    made = Cluster()
    made.place(pod(cpu="1"), "a")
    made.cache.set_node("a", node("a"))
    assert made.cache.nodes["a"].requested == {"cpu": 1000}


def test_a_node_that_comes_back_still_has_its_pods() -> None:
    made = cluster(node("a"), placed={"a": [pod(cpu="1")]})
    made.cache.set_node("a", None)
    assert not made.cache.nodes
    made.cache.set_node("a", node("a"))
    assert made.cache.nodes["a"].requested == {"cpu": 1000}


def test_a_heartbeat_changes_nothing() -> None:
    made = cluster(node("a"))
    before = made.cache.nodes["a"]
    again = node("a")
    again["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    assert not made.cache.set_node("a", again)
    assert made.cache.nodes["a"] is before


def test_an_assumed_pod_is_confirmed_once() -> None:
    made = cluster(node("a"))
    info = made.info(pod("p", cpu="1"))
    made.cache.place(info, "a", assumed=True)
    assert made.cache.is_assumed(info.uid)
    assert not made.cache.confirm(info.uid, "b")
    assert made.cache.confirm(info.uid, "a")
    assert not made.cache.confirm(info.uid, "a")


def test_a_pod_bound_elsewhere_than_assumed_moves() -> None:
    made = cluster(node("a"), node("b"))
    info = made.info(pod("p", cpu="1"))
    made.cache.place(info, "a", assumed=True)
    made.cache.place(info, "b")
    assert not made.cache.nodes["a"].pods
    assert made.cache.nodes["b"].requested == {"cpu": 1000}
    made.cache.remove(info.uid)
    assert made.cache.nodes["b"].requested == {"cpu": 0}
    assert made.cache.snapshot().lowest_priority is None


def test_pods_made_from_one_template_share_a_shape() -> None:
    made = Cluster()
    one, two = made.info(pod("one", cpu="1")), made.info(pod("two", cpu="1"))
    assert one.shape is two.shape
    assert made.info(pod("three", cpu="2")).shape is not one.shape


def test_equal_nodes_are_ordered_by_the_seed() -> None:
    orders = {
        tuple(sorted("abcdef", key=lambda name, seed=seed: tie_break(seed, name)))  # type: ignore[misc]
        for seed in range(8)
    }
    assert len(orders) == 8
