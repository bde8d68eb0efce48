from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.rightsizing.decay import DecayingHistograms
from kubelab.rightsizing.histogram import CPU

DAY = 86400.0
START = 19_700 * DAY + 5000

samples = st.lists(
    st.tuples(st.integers(0, 2), st.floats(0, 2000), st.floats(START, START + 400 * DAY)), max_size=30
)


def _histograms(found: list[tuple[int, float, float]], rows: int = 3) -> DecayingHistograms:
    histograms = DecayingHistograms(CPU, rows)
    for row, value, time in found:
        histograms.add(np.array([row]), np.array([value]), np.array([time]), 0.1)
    return histograms


def test_sample_of_a_day_later_counts_twice() -> None:
    found = _histograms([(0, 0.005, START), (0, 1.0, START + DAY)], 1)
    early, late = found.weights[0][found.weights[0] > 0]
    assert late == 2 * early


def test_reference_is_a_midnight_and_moves_after_a_hundred_half_lives() -> None:
    first = _histograms([(0, 1.0, START)], 1).references[0]
    assert first == 19_700 * DAY
    assert _histograms([(0, 1.0, START), (0, 1.0, first + 100 * DAY)], 1).references[0] == first
    later = _histograms([(0, 1.0, START), (0, 1.0, first + 100.6 * DAY)], 1)
    assert later.references[0] == first + 101 * DAY
    assert later.totals[0] < 1


@given(samples)
def test_samples_added_together_weigh_what_they_weigh_one_by_one(
    found: list[tuple[int, float, float]],
) -> None:
    found.sort(key=lambda sample: sample[2])
    together = DecayingHistograms(CPU, 3)
    rows, values, times = (np.array(column) for column in zip(*found, strict=True)) if found else ([],) * 3
    if found:
        together.add(rows, values, times, 0.1)
    single = _histograms(found)
    assert together.references.tolist() == single.references.tolist()
    np.testing.assert_allclose(together.weights, single.weights, rtol=1e-12)
    np.testing.assert_allclose(together.totals, single.totals, rtol=1e-12)


@given(samples)
def test_merged_rows_are_the_row_of_all_samples(found: list[tuple[int, float, float]]) -> None:
    merged = _histograms(found).merged([[0, 1, 2]])
    whole = _histograms([(0, value, time) for _, value, time in found], 1)
    apart = 2.0 ** ((whole.references - merged.references) / DAY) if found else np.ones(1)
    np.testing.assert_allclose(merged.weights, whole.weights * apart[:, np.newaxis], rtol=1e-9, atol=1e-25)
    np.testing.assert_allclose(merged.totals, whole.totals * apart, rtol=1e-9)


@given(samples)
def test_merging_does_not_depend_on_the_order(found: list[tuple[int, float, float]]) -> None:
    one, other = (_histograms(found).merged([order]) for order in ([0, 1, 2], [2, 0, 1]))
    np.testing.assert_allclose(one.weights, other.weights, rtol=1e-12)
    assert one.references[0] == other.references[0]


def test_merging_nothing_is_empty() -> None:
    merged = DecayingHistograms(CPU, 2).merged([[], [0, 1]])
    assert merged.percentiles(0.9).tolist() == [0, 0]


def test_what_is_subtracted_is_gone() -> None:
    histograms = _histograms([(0, 1.0, START)], 1)
    histograms.subtract(np.array([0]), np.array([1.0]), np.array([START]), 0.1)
    assert histograms.weights.sum() == 0
    assert histograms.percentiles(0.9)[0] == 0


def test_rows_that_grow_keep_what_they_hold() -> None:
    histograms = _histograms([(1, 1.0, START)], 2)
    histograms.grow(5)
    assert histograms.percentiles(0.9).tolist() == pytest.approx(
        [0, CPU.ends[CPU.find(np.array([1.0]))[0]], 0, 0, 0]
    )
    histograms.take(np.array([1]))
    assert len(histograms) == 1
    assert histograms.totals[0] > 0
