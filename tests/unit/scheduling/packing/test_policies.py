"""Packing policies, worked by hand."""

import numpy as np

from kubelab.scheduling.packing.fragmentation import TypicalPods
from kubelab.scheduling.packing.gpus import Demand, Room
from kubelab.scheduling.packing.policies import (
    BestFit,
    DotProduct,
    FragmentationGradient,
    PricedGradient,
    RandomFit,
)

WHOLE = Demand(cpu_millicores=8000, memory_mib=1, gpus=1, gpu_milli=1000)


def sharing(milli: int) -> Demand:
    return Demand(cpu_millicores=1000, memory_mib=1, gpus=1, gpu_milli=milli)


def room(*nodes: tuple[int, ...]) -> Room:
    gpus = [[*node[1:], *[0] * (9 - len(node))] for node in nodes]
    return Room(np.array([node[0] for node in nodes]), np.array(gpus))


def test_best_fit_prefers_the_node_with_least_left() -> None:
    ranking = BestFit().rank(room((128_000, *[1000] * 8), (40_000, 1000, 0)), WHOLE)
    left = [(120_000 / 128_000, 7000 / 8000), (32_000 / 128_000, 0.0)]
    assert ranking.score.tolist() == [np.floor(100 * (1 - (cpu + gpu) / 2)) for cpu, gpu in left]


def test_best_fit_takes_the_fullest_gpu_on_which_the_pod_fits() -> None:
    assert BestFit().rank(room((64_000, 1000, 300, 600)), sharing(500)).gpu.tolist() == [2]


def test_dot_product_avoids_nodes_with_much_of_what_the_pod_asks() -> None:
    ranking = DotProduct().rank(room((64_000, *[1000] * 4), (64_000, 1000)), WHOLE)
    wide = 64_000 / 128_000 * 8000 / 128_000 + 4000 / 8000 * 1000 / 8000
    narrow = 64_000 / 128_000 * 8000 / 128_000 + 1000 / 8000 * 1000 / 8000
    assert ranking.score.tolist() == [np.floor(100 * (1 - each / 2)) for each in (wide, narrow)]


def test_gradient_fills_a_gpu_that_is_broken_already() -> None:
    gradient = FragmentationGradient(TypicalPods([WHOLE, WHOLE, WHOLE, sharing(500)], share=1))
    ranking = gradient.rank(room((64_000, 1000), (64_000, 500)), sharing(500))
    # On the first node 3/4 of the pods lose the 500 that are left; on the second they had lost 500 before.
    assert ranking.score.tolist() == [
        np.floor(100 / (1 + np.exp(0.375))),
        np.floor(100 / (1 + np.exp(-0.375))),
    ]


def test_priced_gradient_keeps_a_rest_for_the_pods_that_fill_it() -> None:
    pods = [sharing(650), sharing(350), sharing(300)]
    ranking = PricedGradient(TypicalPods(pods, share=1)).rank(room((64_000, 350, 300)), sharing(300))
    assert ranking.gpu.tolist() == [1]


def test_random_fit_draws_only_gpus_on_which_the_pod_fits() -> None:
    policy = RandomFit(np.random.default_rng(0))
    drawn = {int(policy.rank(room((64_000, 1000, 300, 600)), sharing(500)).gpu[0]) for _ in range(50)}
    assert drawn == {0, 2}
