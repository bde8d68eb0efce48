"""Shadow prices of GPU sharing, worked by hand."""

import pytest

from kubelab.scheduling.packing.gpus import Demand
from kubelab.scheduling.packing.shadow import patterns, rest_values, size_prices


def shares(**by_milli: float) -> dict[Demand, float]:
    return {Demand(1000, 1, 1, int(name[1:])): share for name, share in by_milli.items()}


def test_patterns_fill_a_gpu_with_the_smallest_size_last() -> None:
    assert list(patterns([600, 400], 1000)) == [(1, 1), (0, 2)]


def test_size_that_shares_with_nobody_costs_a_whole_gpu() -> None:
    assert size_prices(shares(_800=1.0)) == {800: pytest.approx(1)}


def test_two_of_a_size_share_its_gpu_evenly() -> None:
    assert size_prices(shares(_470=1.0)) == {470: pytest.approx(0.5)}


def test_size_in_surplus_is_worth_nothing_beside_the_one_that_is_scarce() -> None:
    prices = size_prices(shares(_800=0.9, _200=0.1))  # 800s leave more 200s of room than there are pods
    assert prices == {800: pytest.approx(1), 200: pytest.approx(0)}


def test_rest_is_worth_the_dearest_pods_that_fit_into_it() -> None:
    values = rest_values(shares(_470=1.0))
    assert values[[0, 469, 470, 939, 940, 1000]].tolist() == pytest.approx([0, 0, 0.5, 0.5, 1, 1])


def test_without_sharing_pods_only_a_whole_gpu_is_worth_something() -> None:
    assert rest_values({Demand(1000, 1, 1, 1000): 1.0}).sum() == 1
