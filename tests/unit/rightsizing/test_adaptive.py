"""Our own rule: it follows levels, weighs slack against overrun, and says by which figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kubelab.rightsizing.backtest import Terms, backtest
from kubelab.rightsizing.history import History
from kubelab.rightsizing.strategies import strategy_of
from kubelab.rightsizing.strategies.adaptive import Adaptive
from kubelab.usage.series import ContainerKey, Resource, UsageSeries

KEY = ContainerKey("shop", "web-1", "app", "Deployment", "web")
DAY = 288
HOURLY = Terms(every_s=3600.0, floor=0.01)


def series(values: NDArray[np.float64], resource: Resource = "cpu") -> UsageSeries:
    return UsageSeries(KEY, resource, np.arange(len(values), dtype=np.float64) * 300.0, values)


def history(values: NDArray[np.float64], resource: Resource = "cpu") -> History:
    return History(KEY, resource, (series(values, resource),), recheck_s=3600.0)


def noisy(days: int, level: float, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).gamma(20, level / 20, days * DAY)


def test_a_level_that_lasted_a_day_is_all_that_counts() -> None:
    moved = np.concatenate([noisy(5, 2.0), noisy(2, 0.2)])
    found = strategy_of("adaptive").size(history(moved))
    assert found.request < 0.4
    assert "before the shift from" in found.why
    assert {each.term for each in found.evidence} >= {"level before the shift", "level since"}


def test_the_safe_setting_remembers_what_was_before_a_shift() -> None:
    moved = history(np.concatenate([noisy(5, 2.0), noisy(2, 0.2)]))
    found = strategy_of("adaptive-safe").size(moved)
    assert "shift" not in found.why
    assert found.request > Adaptive(price=32.0).size(moved).request


@pytest.mark.parametrize("seed", range(3))
def test_a_dearer_overrun_is_met_by_a_larger_request(seed: int) -> None:
    used = history(noisy(4, 0.5, seed))
    requests = [Adaptive(price=price).size(used).request for price in (0.2, 2.0, 32.0)]
    assert requests == sorted(requests)
    assert requests[0] < requests[-1]


def test_what_holds_for_a_day_fits_the_busiest_hour_of_the_day() -> None:
    rhythm = 0.5 - 0.4 * np.cos(2 * np.pi * np.arange(4 * DAY) / DAY)  # the last sample is a quiet one
    used = history(rhythm)
    assert strategy_of("adaptive").size(used).request < 0.3
    assert strategy_of("adaptive").size(replace(used, recheck_s=86_400.0)).request > 0.8


def test_what_it_says_of_the_past_is_what_the_past_was() -> None:
    steady = np.full(4 * DAY, 0.5)
    found = strategy_of("adaptive").size(history(steady))
    assert found.request == pytest.approx(0.5, rel=0.02)
    told = {each.term: each.value for each in found.evidence}
    assert told["time above in the replay"] == 0
    assert told["slack in the replay"] < 3


def test_the_interval_holds_the_request_and_narrows_as_use_is_steadier() -> None:
    wide = strategy_of("adaptive").size(history(np.random.default_rng(1).exponential(0.5, 4 * DAY)))
    narrow = strategy_of("adaptive").size(history(np.full(4 * DAY, 0.5)))
    assert wide.covers(wide.request)
    assert narrow.covers(narrow.request)
    assert wide.upper / wide.lower > narrow.upper / narrow.lower


def test_memory_stays_above_its_peak_and_its_limit_further() -> None:
    used = noisy(4, 2.0**30)
    found = strategy_of("adaptive").size(history(used, "memory"))
    assert found.request >= np.quantile(used, 0.99)
    assert found.limit is not None
    assert found.limit >= 1.2 * used.max()


def test_a_level_that_rises_is_followed_within_hours() -> None:
    rising = [series(np.concatenate([noisy(7, 0.2, 1), noisy(7, 1.0, 2)]))]
    assert backtest(strategy_of("krr-simple"), rising).overrun > 0.99
    assert backtest(strategy_of("adaptive"), rising, HOURLY).overrun < 0.2


def test_a_level_that_falls_leaves_little_slack() -> None:
    falling = [series(np.concatenate([noisy(7, 1.0, 1), noisy(7, 0.2, 2)]))]
    assert backtest(strategy_of("krr-simple"), falling, HOURLY).slack > 0.8
    assert backtest(strategy_of("adaptive"), falling, HOURLY).slack < 0.4


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0, 100, allow_nan=False), min_size=12, max_size=400),
    st.sampled_from(["adaptive", "adaptive-lean", "adaptive-safe"]),
)
def test_any_series_has_a_finite_request_in_its_interval(values: list[float], name: str) -> None:
    found = strategy_of(name).size(history(np.array(values, dtype=np.float64)))
    assert 0 < found.lower <= found.request <= found.upper < 1000
