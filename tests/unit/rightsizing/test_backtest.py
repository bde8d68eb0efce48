"""The holdout: what is sized from the first part stands beside the rest."""

from __future__ import annotations

import numpy as np
import pytest

from kubelab.rightsizing.backtest import Backtest, Terms, backtest, frontier
from kubelab.rightsizing.history import NotEnoughHistoryError
from kubelab.rightsizing.strategies import strategy_of
from kubelab.usage.series import ContainerKey, Resource, UsageSeries


def series(values: list[float], resource: Resource = "cpu") -> UsageSeries:
    key = ContainerKey("shop", "web-1", "app")
    return UsageSeries(
        key, resource, np.arange(len(values), dtype=np.float64) * 300.0, np.array(values, dtype=np.float64)
    )


def run(values: list[float], terms: Terms | None = None, resource: Resource = "cpu") -> Backtest:
    return backtest(strategy_of("peak"), [series(values, resource)], terms or Terms())


def test_slack_is_what_of_the_request_was_not_used() -> None:
    found = run([1.0] * 10 + [0.25] * 10)
    assert (found.slack, found.overrun) == (0.75, 0.0)


def test_overrun_is_the_share_of_samples_above_the_request() -> None:
    found = run([1.0] * 10 + [0.5] * 6 + [2.0] * 4)
    assert found.overrun == 0.4
    assert found.slack == 0.0  # more was used than asked for


def test_what_is_to_come_is_not_known() -> None:
    late = [1.0] * 10 + [1.0] * 9 + [50.0]
    assert run(late).outcomes[0].request == 1.0
    assert run(late, Terms(every_s=300)).outcomes[0].request == 1.0


def test_sizing_again_follows_a_new_level() -> None:
    shifted = [1.0] * 10 + [2.0] * 10
    assert run(shifted).overrun == 1.0
    again = run(shifted, Terms(every_s=300))
    assert again.overrun == 0.1
    assert again.resizes == 1


def test_a_change_below_the_minimum_is_not_made() -> None:
    rising = [1.0] * 10 + [1.04] * 10
    assert run(rising, Terms(every_s=300)).resizes == 1
    assert run(rising, Terms(every_s=300, min_change=0.05)).resizes == 0


def test_memory_above_the_limit_is_one_kill_each_time() -> None:
    found = run([100.0] * 10 + [105, 120, 120, 90, 130, 90, 90, 90, 90, 90], resource="memory")
    assert found.ooms == 2
    assert found.throttled == 0.0


def test_cpu_above_the_limit_is_held_back() -> None:
    values = [1.0] * 200 + [1.0] * 150 + [3.0] * 50
    found = backtest(strategy_of("krr-simple-limit"), [series(values)], Terms())
    assert found.throttled == pytest.approx(100 / 300)
    assert found.ooms == 0


def test_a_floor_holds_for_every_strategy() -> None:
    assert run([0.001] * 20, Terms(floor=0.01)).outcomes[0].request == pytest.approx(0.01)


def test_a_strategy_that_has_too_little_says_so() -> None:
    with pytest.raises(NotEnoughHistoryError):
        backtest(strategy_of("krr-simple"), [series([1.0] * 20)], Terms())


def test_the_frontier_marks_what_nothing_dominates() -> None:
    values = [float(number % 10 + 1) for number in range(400)]
    tests = [backtest(strategy_of(name), [series(values)]) for name in ("peak", "kubecost", "cast")]
    found = frontier(tests).set_index("strategy")["efficient"]
    assert list(found.index) == ["cast", "peak", "kubecost"]
    assert list(found) == [True, True, False]
