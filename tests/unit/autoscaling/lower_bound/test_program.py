"""The bound for one moment: true, and near where nodes are whole."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubelab.autoscaling.lower_bound.offers import NoRoomError, Offer, TooFewNodesError
from kubelab.autoscaling.lower_bound.program import Shape, lower_bound, shape_of

SMALL = Offer("small", {"cpu": 8000, "memory": 32, "pods": 10}, 0.4)
LARGE = Offer("large", {"cpu": 16_000, "memory": 64, "pods": 10}, 0.7)


def pods(*requests: tuple[int, int]) -> Counter[Shape]:
    return Counter(shape_of({"cpu": cpu, "memory": memory}) for cpu, memory in requests)


def cost(*requests: tuple[int, int], offers: tuple[Offer, ...] = (SMALL, LARGE)) -> float:
    return lower_bound(pods(*requests), offers).usd_per_hour


def test_no_pods_need_no_nodes() -> None:
    assert cost() == 0


def test_pods_that_fill_a_large_node_get_one() -> None:
    found = lower_bound(pods((6000, 1), (9000, 1)), (SMALL, LARGE))
    assert found.nodes == {"large": 1}
    assert found.usd_per_hour == pytest.approx(0.7)


def test_two_pods_of_more_than_half_a_node_never_share_it() -> None:
    # In sum, three nodes would do for five pods of 4.5 cores.
    assert cost(*[(4500, 1)] * 5, offers=(SMALL,)) == pytest.approx(5 * 0.4)


def test_unlike_pods_of_more_than_half_a_node_never_share_it() -> None:
    assert cost((4100, 1), (4200, 1), (4300, 1), (4400, 1), offers=(SMALL,)) == pytest.approx(4 * 0.4)


def test_number_of_pods_on_a_node_is_bounded() -> None:
    assert cost(*[(10, 1)] * 21, offers=(SMALL,)) == pytest.approx(3 * 0.4)


def test_memory_counts_as_cpu_does() -> None:
    assert cost(*[(100, 20)] * 3, offers=(SMALL,)) == pytest.approx(3 * 0.4)


def test_nodes_that_must_be_there_cost_without_pods() -> None:
    least = Offer("least", SMALL.free, 0.4, least=2)
    assert cost(offers=(least,)) == pytest.approx(0.8)


def test_largest_size_of_a_cheap_group_is_kept() -> None:
    scarce = Offer("scarce", SMALL.free, 0.1, most=1)
    assert cost(*[(8000, 1)] * 3, offers=(scarce, SMALL)) == pytest.approx(0.1 + 2 * 0.4)


def test_groups_that_are_too_small_together_say_so() -> None:
    with pytest.raises(TooFewNodesError, match="small 1"):
        cost((8000, 1), (8000, 1), offers=(Offer("small", SMALL.free, 0.4, most=1),))


def test_pod_that_fits_nowhere_says_what_the_nearest_type_lacks() -> None:
    with pytest.raises(NoRoomError, match=r"the nearest, large, lacks 4 cpu \(20 asked, 16 free") as caught:
        cost((20_000, 1))
    assert caught.value.offer == "large"
    assert caught.value.shortage == {"cpu": 4000}


def test_device_that_no_type_has_is_lacking_whole() -> None:
    with pytest.raises(NoRoomError) as caught:
        lower_bound(Counter([shape_of({"cpu": 1, "nvidia.com/gpu": 2})]), (SMALL, LARGE))
    assert caught.value.shortage == {"nvidia.com/gpu": 2}


def holds(offer: Offer, node: list[tuple[int, int]]) -> bool:
    cpu, memory = sum(pod[0] for pod in node), sum(pod[1] for pod in node)
    return len(node) <= 10 and cpu <= offer.free["cpu"] and memory <= offer.free["memory"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 16_000), st.integers(1, 64)), min_size=1, max_size=12))
def test_bound_is_never_above_a_first_fit_packing(requests: list[tuple[int, int]]) -> None:
    for offer in (SMALL, LARGE):
        fitting = [pod for pod in requests if offer.room({"cpu": pod[0], "memory": pod[1]})]
        nodes: list[list[tuple[int, int]]] = []
        for pod in sorted(fitting, reverse=True):
            node = next((node for node in nodes if holds(offer, [*node, pod])), None)
            if node is None:
                nodes.append([pod])
            else:
                node.append(pod)
        assert cost(*fitting) <= len(nodes) * offer.usd_per_hour + 1e-9
