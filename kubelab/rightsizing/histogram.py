"""Exponential histograms as the Vertical Pod Autoscaler keeps them, one row of weights for each container.

A bucket is five percent wider than the one before it. A percentile is the upper edge of the bucket that
it falls into, so that a recommendation is never below what it was made from.

Upstream: ``pkg/recommender/util/histogram.go``, ``histogram_options.go`` and
``model/aggregations_config.go`` of Vertical Pod Autoscaler 1.7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATIO = 1 + 0.05
EPSILON = 1e-4
"""Weights below it count as nothing."""


@dataclass(frozen=True)
class Buckets:
    """Where each bucket of a resource starts.

    Attributes
    ----------
    first : float
        Width of the first bucket, in cores or bytes.
    highest : float
        What the last bucket still holds; greater values fall into it too.
    """

    first: float
    highest: float

    @cached_property
    def starts(self) -> NDArray[np.float64]:
        """``first * (1.05**b - 1) / 0.05`` for each bucket b."""
        powers = [power(RATIO, bucket) for bucket in range(self._count)]
        return np.array([self.first * (each - 1) / (RATIO - 1) for each in powers])

    @cached_property
    def ends(self) -> NDArray[np.float64]:
        """The start of the next bucket; the last one's own."""
        return np.append(self.starts[1:], self.starts[-1])

    @property
    def _count(self) -> int:
        return math.ceil(_log(self.highest * (RATIO - 1) / self.first + 1)) + 1

    def find(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the bucket of each value."""
        return np.searchsorted(self._edges, values, side="right")

    @cached_property
    def _edges(self) -> NDArray[np.float64]:
        """The least value that each bucket but the first holds.

        Upstream takes the logarithm of each value. Rounding puts its edges an ulp or so beside `starts`;
        here they are looked for once, so that values are found by comparing alone.
        """
        return np.array([self._edge(bucket) for bucket in range(1, self._count)])

    def _edge(self, bucket: int) -> float:
        if bucket == 1:
            return self._least(1, self.first, self.first * RATIO)
        start = float(self.starts[bucket])
        return self._least(bucket, start * (1 - 1e-9), start * (1 + 1e-9))

    def _least(self, bucket: int, low: float, high: float) -> float:
        if self._find(low) >= bucket:
            return low
        while (middle := (low + high) / 2) not in (low, high):
            low, high = (low, middle) if self._find(middle) >= bucket else (middle, high)
        return high

    def _find(self, value: float) -> int:
        if value < self.first:
            return 0
        return min(self._count - 1, int(_log(value * (RATIO - 1) / self.first + 1)))


CPU = Buckets(first=0.01, highest=1000.0)
MEMORY = Buckets(first=1e7, highest=1e12)


def percentiles(
    buckets: Buckets, weights: NDArray[np.float64], totals: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Return the upper edge of the bucket in which each row reaches a share of its weight; 0 if empty.

    Parameters
    ----------
    weights : ndarray of float64, shape (n, buckets)
    totals : ndarray of float64, shape (n,)
        What was added to each row. Upstream sums it apart from the buckets, so rounding may tell them apart.
    share : float
        Such as 0.9.
    """
    there = weights >= EPSILON
    first = there.argmax(axis=1)
    last = weights.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
    before_first = np.arange(weights.shape[1]) < first[:, np.newaxis]
    sums = np.where(before_first, 0.0, weights).cumsum(axis=1)
    reached = sums >= (share * totals)[:, np.newaxis]
    bucket = np.where(reached.any(axis=1), np.maximum(reached.argmax(axis=1), first), last)
    return np.where(there.any(axis=1), buckets.ends[np.minimum(bucket, last)], 0.0)


def power(base: float, exponent: int) -> float:
    """Return a power as Go's ``math.Pow`` does, which C's ``pow`` differs from in the last digit."""
    fraction, shift = 1.0, 0
    square, square_shift = math.frexp(base)
    left = abs(exponent)
    while left:
        if left & 1:
            fraction, shift = fraction * square, shift + square_shift
        square, square_shift = square * square, square_shift * 2
        if square < 0.5:
            square, square_shift = square * 2, square_shift - 1
        left >>= 1
    return math.ldexp(1 / fraction, -shift) if exponent < 0 else math.ldexp(fraction, shift)


def _log(value: float) -> float:
    return math.log(value) / math.log(RATIO)
