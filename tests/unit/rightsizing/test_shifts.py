"""When use moved to another level, and when it only seems so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kubelab.rightsizing.shifts import Shift, last_shift

HOUR_S = 3600.0
STEP_S = 300.0


def found(values: NDArray[np.float64]) -> Shift | None:
    return last_shift(np.arange(len(values), dtype=np.float64) * STEP_S, values)


def hours(count: int, level: float, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(level, 0.05 * level, count * 12)


def test_a_rise_is_found_where_it_is() -> None:
    shift = found(np.concatenate([hours(48, 0.2), hours(24, 1.0)]))
    assert shift is not None
    assert abs(shift.at - 48 * HOUR_S) <= HOUR_S
    assert 0.19 < shift.before < 0.21
    assert 0.95 < shift.after < 1.05


def test_a_fall_is_found_too() -> None:
    shift = found(np.concatenate([hours(48, 1.0), hours(24, 0.2)]))
    assert shift is not None
    assert shift.before > shift.after


def test_the_latest_of_several_counts() -> None:
    shift = found(np.concatenate([hours(24, 0.2), hours(24, 1.0), hours(24, 3.0)]))
    assert shift is not None
    assert abs(shift.at - 48 * HOUR_S) <= HOUR_S


def test_noise_is_no_shift() -> None:
    assert not any(found(hours(72, 0.5, seed)) for seed in range(20))


def test_a_single_spike_is_no_shift() -> None:
    values = hours(72, 0.5)
    values[500:505] = 5.0
    assert found(values) is None


def test_too_little_is_no_shift() -> None:
    assert found(np.concatenate([hours(5, 0.2), hours(5, 1.0)])) is None
    assert found(np.empty(0)) is None
