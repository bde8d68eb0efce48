"""What is left of samples that make no sense, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.usage.cleaning import clean, rates

ANY = st.floats(allow_nan=True, allow_infinity=True, width=32)


@given(st.lists(st.tuples(ANY, ANY), max_size=50))
def test_what_is_left_is_in_order_finite_and_not_negative(samples: list[tuple[float, float]]) -> None:
    times, values = (
        np.array(column, dtype=np.float64) for column in ([t for t, _ in samples], [v for _, v in samples])
    )
    cleaned = clean(times, values, now=1e6)
    assert (np.diff(cleaned.times) > 0).all()
    assert (np.isfinite(cleaned.values) & (cleaned.values >= 0)).all()
    assert (cleaned.times <= 1e6).all()
    out = cleaned.not_numbers + cleaned.negative + cleaned.ahead
    assert len(cleaned.times) <= len(samples) - out


def test_each_kind_of_mistake_is_counted_and_said() -> None:
    times = np.array([0.0, 60, 120, 90, 120, 180, 240, 9999])
    values = np.array([1.0, np.nan, 2, 3, 4, -1, 5, 6])
    cleaned = clean(times, values, now=1000)
    assert cleaned.times.tolist() == [0, 90, 120, 240]
    assert cleaned.values.tolist() == [1, 3, 4, 5]
    assert list(cleaned.problems()) == [
        "1 samples were no numbers",
        "1 samples were negative",
        "1 samples were of a time to come",
        "1 samples came out of order or twice",
    ]


def test_gap_is_told_with_its_length() -> None:
    times = np.array([0.0, 60, 120, 180, 7380, 7440])
    assert list(clean(times, np.ones(6), now=1e6).problems()) == ["1 gaps, the longest of 120 minutes"]


def test_counter_that_falls_began_again_at_zero() -> None:
    assert rates(np.array([0.0, 10, 20, 30]), np.array([100.0, 150, 20, 40])).tolist() == [5, 2, 2]


def test_nothing_is_left_of_nothing() -> None:
    cleaned = clean(np.array([]), np.array([]), now=0)
    assert not len(cleaned.times)
    assert not list(cleaned.problems())
    assert cleaned.longest_gap_s == pytest.approx(0)
