from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.rightsizing.histogram import CPU, MEMORY, Buckets, percentiles, power

BOTH = pytest.mark.parametrize("buckets", [CPU, MEMORY], ids=["cpu", "memory"])


def _upstream_find(buckets: Buckets, value: float) -> int:
    if value < buckets.first:
        return 0
    return min(175, int(math.log(value * (1.05 - 1) / buckets.first + 1) / math.log(1.05)))


@BOTH
def test_both_resources_have_176_buckets(buckets: Buckets) -> None:
    assert len(buckets.starts) == 176


def test_buckets_start_where_go_says_also_where_its_power_is_another_than_that_of_c() -> None:
    assert int(MEMORY.starts[4]) == 43_101_249
    assert int(1e7 * (1.05**4 - 1) / (1.05 - 1)) == 43_101_250


@BOTH
@given(share=st.floats(0, 1))
def test_values_fall_into_the_bucket_that_the_logarithm_gives(buckets: Buckets, share: float) -> None:
    value = buckets.highest * 1.2 * share**6
    assert buckets.find(np.array([value]))[0] == _upstream_find(buckets, value)


@BOTH
def test_values_beside_the_edges_fall_into_the_bucket_that_the_logarithm_gives(buckets: Buckets) -> None:
    starts = buckets.starts
    beside = np.concatenate([starts, np.nextafter(starts, 0), np.nextafter(starts, np.inf)])
    assert buckets.find(beside).tolist() == [_upstream_find(buckets, value) for value in beside]


def test_whole_millicores_fall_into_the_bucket_that_the_logarithm_gives() -> None:
    values = np.arange(1, 300_001) / 1000
    assert buckets_differ(CPU, values) == []


def buckets_differ(buckets: Buckets, values: np.ndarray) -> list[float]:
    found = buckets.find(values)
    return [
        value
        for value, bucket in zip(values.tolist(), found, strict=True)
        if bucket != _upstream_find(buckets, value)
    ]


def _row(weights: dict[int, float]) -> tuple[np.ndarray, np.ndarray]:
    row = np.zeros((1, 176))
    row[0, list(weights)] = list(weights.values())
    return row, row.sum(axis=1)


def test_percentile_is_the_upper_edge_of_its_bucket() -> None:
    weights, totals = _row({3: 8.0, 10: 1.0, 40: 1.0})
    for share, bucket in ((0.5, 3), (0.8, 3), (0.9, 10), (0.91, 40), (1.0, 40)):
        assert percentiles(CPU, weights, totals, share)[0] == CPU.starts[bucket + 1]


def test_percentile_in_the_last_bucket_is_its_own_start() -> None:
    weights, totals = _row({175: 1.0})
    assert percentiles(CPU, weights, totals, 0.9)[0] == CPU.starts[175]


def test_percentile_of_an_empty_row_is_zero() -> None:
    weights, totals = _row({5: 1e-5})
    assert percentiles(CPU, weights, totals, 0.9)[0] == 0


@given(st.integers(-60, 400))
def test_power_is_near_that_of_c(exponent: int) -> None:
    assert power(1.05, exponent) == pytest.approx(1.05**exponent, rel=1e-13)
