"""What is to come, and how sure that is."""

import random

import pytest

from kubelab.costs.forecast import TooLittleKnownError, forecast, quantile_of_t


def test_what_was_steady_goes_on_and_is_certain() -> None:
    found = forecast([2.0] * 10, 5)
    assert (found.usd, found.low_usd, found.high_usd) == pytest.approx((10.0, 10.0, 10.0))


def test_part_of_a_step_counts_as_part() -> None:
    assert forecast([2.0] * 10, 2.5).usd == pytest.approx(5.0)
    assert forecast([2.0] * 10, 0).usd == 0.0


def test_a_new_level_is_followed() -> None:
    found = forecast([1.0] * 10 + [5.0] * 10, 4)
    assert found.usd == pytest.approx(20.0, rel=0.01)
    assert found.alpha > 0.8


def test_a_week_repeats_once_two_are_known() -> None:
    week = [10.0, 10.0, 10.0, 10.0, 10.0, 2.0, 2.0]
    assert forecast(week * 3, 5, season=7).usd == pytest.approx(50.0)
    assert forecast(week * 3, 7, season=7).season == 7
    assert forecast(week[:5] * 2, 5, season=7).season == 0


def test_an_interval_of_80_percent_holds_80_percent_of_what_comes() -> None:
    chance = random.Random(7)
    held = 0
    for _ in range(400):
        costs = [max(0.0, chance.gauss(10, 2)) for _ in range(44)]
        found = forecast(costs[:30], 14)
        held += found.low_usd <= sum(costs[30:]) <= found.high_usd
    assert 0.72 <= held / 400 <= 0.88


def test_an_interval_holds_walks_that_never_return_too() -> None:
    chance = random.Random(7)
    held = 0
    for _ in range(400):
        costs = [100.0]
        for _ in range(43):
            costs.append(costs[-1] + chance.gauss(0, 1))
        found = forecast(costs[:30], 14)
        held += found.low_usd <= sum(costs[30:]) <= found.high_usd
    assert 0.7 <= held / 400 <= 0.9


def test_too_few_steps_are_refused() -> None:
    with pytest.raises(TooLittleKnownError, match="3 steps are too few"):
        forecast([1.0, 2.0, 3.0], 1)


@pytest.mark.parametrize(("freedom", "expected"), [(4, 1.533), (10, 1.372), (30, 1.310)])
def test_quantiles_are_students(freedom: int, expected: float) -> None:
    assert quantile_of_t(0.9, freedom) == pytest.approx(expected, rel=0.01)
