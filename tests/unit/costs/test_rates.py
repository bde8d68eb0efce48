"""A node's price, split as OpenCost splits it."""

import pytest

from kubelab.costs.rates import DEFAULT_RATES, Rates, Resources, split


def test_the_specifications_example_splits_35_dollars_into_15_15_and_5() -> None:
    rates = split(35.0, Resources(cpu_cores=1, ram_gib=1, gpus=1), Rates(cpu_core=30, ram_gib=30, gpu=10))
    assert rates == Rates(cpu_core=15.0, ram_gib=15.0, gpu=5.0)


@pytest.mark.parametrize("gpus", [0, 1, 8])
def test_the_parts_add_up_to_the_price_of_the_node(gpus: int) -> None:
    capacity = Resources(cpu_cores=8, ram_gib=32, gpus=gpus)
    rates = split(0.384, capacity)
    assert rates.cost(capacity) == pytest.approx(0.384)
    assert rates.cpu_core / rates.ram_gib == pytest.approx(DEFAULT_RATES.cpu_core / DEFAULT_RATES.ram_gib)
    assert rates.gpu / rates.ram_gib == pytest.approx(DEFAULT_RATES.gpu / DEFAULT_RATES.ram_gib)


def test_it_is_opencosts_formula() -> None:
    r, g = DEFAULT_RATES.cpu_core / DEFAULT_RATES.ram_gib, DEFAULT_RATES.gpu / DEFAULT_RATES.ram_gib
    rates = split(2.0, Resources(cpu_cores=16, ram_gib=64, gpus=2))
    assert rates.ram_gib == pytest.approx(2.0 / (2 * g + 16 * r + 64))


def test_a_node_that_has_nothing_prices_nothing() -> None:
    assert split(1.0, Resources()) == Rates(0.0, 0.0, 0.0)
