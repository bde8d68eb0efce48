"""`DecayingHistograms`: histograms in which a sample counts half as much as one of a day later.

Instead of all old weights shrinking, new ones grow: a sample's weight is doubled for each half-life since
the row's reference time. The reference moves on before the weights become too large.

Upstream: ``pkg/recommender/util/decaying_histogram.go`` of Vertical Pod Autoscaler 1.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kubelab.rightsizing.histogram import EPSILON, Buckets, percentiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

HALF_LIFE_S = 86400.0
LONGEST = 100
"""Half-lives that a sample may lie after the reference."""


class DecayingHistograms:
    """Rows of decaying histograms over the same buckets.

    Attributes
    ----------
    weights : ndarray of float64, shape (n, buckets)
    totals : ndarray of float64, shape (n,)
    references : ndarray of float64, shape (n,)
        Seconds since the epoch, a multiple of the half-life; minus infinity before the first sample.
    """

    def __init__(self, buckets: Buckets, rows: int = 0) -> None:
        self.buckets = buckets
        self.weights = np.zeros((rows, len(buckets.starts)))
        self.totals = np.zeros(rows)
        self.references = np.full(rows, -np.inf)

    def __len__(self) -> int:
        return len(self.totals)

    def grow(self, rows: int) -> None:
        """Add empty rows until there are so many."""
        more = rows - len(self)
        self.weights = np.concatenate([self.weights, np.zeros((more, self.weights.shape[1]))])
        self.totals = np.concatenate([self.totals, np.zeros(more)])
        self.references = np.concatenate([self.references, np.full(more, -np.inf)])

    def take(self, rows: NDArray[np.intp]) -> None:
        """Keep these rows alone, in this order."""
        self.weights, self.totals = self.weights[rows], self.totals[rows]
        self.references = self.references[rows]

    def add(
        self, rows: NDArray[np.intp], values: NDArray[np.float64], times: NDArray[np.float64], weight: float
    ) -> None:
        """Add one sample for each entry: a value in cores or bytes, at a time in seconds since the epoch."""
        decayed = self._decayed(rows, times, weight)
        width = self.weights.shape[1]
        np.add.at(self.weights.reshape(-1), rows * width + self.buckets.find(values), decayed)
        np.add.at(self.totals, rows, decayed)

    def subtract(
        self, rows: NDArray[np.intp], values: NDArray[np.float64], times: NDArray[np.float64], weight: float
    ) -> None:
        """Take samples back that were added; what is left of a weight below `EPSILON` is nothing."""
        decayed = self._decayed(rows, times, weight)
        places = rows * self.weights.shape[1] + self.buckets.find(values)
        for sums, indices in ((self.weights.reshape(-1), places), (self.totals, rows)):
            np.subtract.at(sums, indices, decayed)
            changed = sums[indices]
            sums[indices] = np.where(changed < EPSILON, 0.0, changed)

    def percentiles(self, share: float) -> NDArray[np.float64]:
        """Return each row's percentile; `histogram.percentiles` says how."""
        return percentiles(self.buckets, self.weights, self.totals, share)

    def merged(self, groups: Sequence[Sequence[int]]) -> DecayingHistograms:
        """Return one row for each group of rows: their sum, seen from the latest of their references."""
        merged = DecayingHistograms(self.buckets, len(groups))
        into = np.array([place for place, group in enumerate(groups) for _ in group], dtype=np.intp)
        rows = np.fromiter((row for group in groups for row in group), dtype=np.intp, count=len(into))
        np.maximum.at(merged.references, into, self.references[rows])
        older = _difference(self.references[rows], merged.references[into])
        factors = np.exp2(np.round(older / HALF_LIFE_S))
        np.add.at(merged.weights, into, self.weights[rows] * factors[:, np.newaxis])
        np.add.at(merged.totals, into, self.totals[rows] * factors)
        return merged

    def _decayed(
        self, rows: NDArray[np.intp], times: NDArray[np.float64], weight: float
    ) -> NDArray[np.float64]:
        self._move_references(rows, times)
        exponents = (times - self.references[rows]) / HALF_LIFE_S
        decayed: NDArray[np.float64] = weight * np.exp2(exponents)
        return decayed

    def _move_references(self, rows: NDArray[np.intp], times: NDArray[np.float64]) -> None:
        while (late := times > self.references[rows] + LONGEST * HALF_LIFE_S).any():
            moving, first = np.unique(rows[late], return_index=True)
            latest = np.floor(times[late][first] / HALF_LIFE_S + 0.5) * HALF_LIFE_S
            factors = np.exp2(_difference(self.references[moving], latest) / HALF_LIFE_S)
            self.weights[moving] *= factors[:, np.newaxis]
            self.totals[moving] *= factors
            self.references[moving] = latest


def _difference(earlier: NDArray[np.float64], later: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return earlier - later, and 0 where both are minus infinity: two rows without a sample."""
    return np.subtract(earlier, later, out=np.zeros_like(later), where=np.isfinite(later))
