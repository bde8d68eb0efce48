"""The protocol: who comes, where each goes, and what is counted."""

import numpy as np
import pytest

from kubelab.scheduling.packing.gpus import Demand, GpuNode
from kubelab.scheduling.packing.policies import BestFit, RandomFit
from kubelab.scheduling.packing.replay import Fleet, arrivals, replay

NODES = [GpuNode("b", "T4", 32_000, 1000, 2), GpuNode("a", "T4", 32_000, 1000, 2)]
WHOLE = Demand(1000, 10, 1, 1000)
HALF = Demand(1000, 10, 1, 500)


def test_pods_come_until_they_ask_for_1_3_times_the_gpus() -> None:
    drawn = arrivals([WHOLE, HALF], NODES, seed=3)
    asked = sum(pod.milli for pod in drawn)
    assert 5200 <= asked < 6200


def test_same_seed_draws_the_same_pods() -> None:
    assert arrivals([WHOLE, HALF], NODES, seed=3) == arrivals([WHOLE, HALF], NODES, seed=3)


def test_ties_go_to_the_smallest_name() -> None:
    fleet = Fleet(NODES, BestFit())
    node = fleet.place(WHOLE)
    assert node is not None
    assert fleet.nodes[node].name == "a"


@pytest.mark.parametrize(
    "pod",
    [
        Demand(33_000, 10),
        Demand(1000, 1001),
        Demand(1000, 10, 3, 1000),
        Demand(1000, 10, 1, 500, frozenset({"A10"})),
    ],
    ids=["cpu", "memory", "gpus", "model"],
)
def test_pod_that_fits_nowhere_is_turned_away(pod: Demand) -> None:
    assert Fleet(NODES, BestFit()).place(pod) is None


def test_allocation_is_read_when_the_arrived_pods_ask_for_a_share() -> None:
    done = replay(NODES, [WHOLE, HALF, HALF, Demand(1000, 10, 4, 1000), WHOLE, WHOLE], BestFit())
    assert (done.at(25), done.at(50), done.at(150), done.at(200)) == (25, 50, 50, 100)


def test_kept_scores_place_pods_as_fresh_ones_do() -> None:
    class Forgetful(BestFit):
        stable = False

    pods = arrivals([WHOLE, HALF, Demand(4000, 100), Demand(2000, 50, 1, 300)], NODES, seed=1)
    assert replay(NODES, pods, BestFit()) == replay(NODES, pods, Forgetful())


def test_no_gpu_is_given_twice() -> None:
    fleet = Fleet(NODES, RandomFit(np.random.default_rng(0)))
    placed = sum(fleet.place(HALF) is not None for _ in range(20))
    assert placed == 8
