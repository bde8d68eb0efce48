"""`last_shift`: when use last moved to another level, so that what was before tells little of what comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BIN_S = 3600.0
SIDE_BINS = 6
"""How many bins on each side of a shift are compared, half a working day."""
SIGMAS = 5.0
LEAST_RATIO = 2.0
"""One side of a shift is at least so many times the other."""
_NEARLY = 0.9  # medians change little for two bins around a shift: it is in the middle of these
_TO_SIGMA = 1.4826  # of a normal distribution, by its median absolute deviation


@dataclass(frozen=True, slots=True)
class Shift:
    """A move to another level.

    Attributes
    ----------
    at : float
        When, in seconds since the epoch.
    before, after : float
        The median use of each side.
    """

    at: float
    before: float
    after: float


def last_shift(times: NDArray[np.float64], values: NDArray[np.float64]) -> Shift | None:
    """Return the latest shift of level; None if there is none.

    Bins of an hour stand for their median. A shift is where the medians of six bins on either side differ by
    more than five deviations of a bin from the next, and one is twice the other; of neighbours that do, the
    middle of those that differ most.
    """
    starts, medians = _bins(times, values)
    if len(medians) < 2 * SIDE_BINS:
        return None
    sides = np.lib.stride_tricks.sliding_window_view(medians, SIDE_BINS)
    level = np.median(sides, axis=1)
    before, after = level[:-SIDE_BINS], level[SIDE_BINS:]
    steps = np.diff(medians)
    sigma = _TO_SIGMA * float(np.median(np.abs(steps - np.median(steps)))) / np.sqrt(2)
    size = np.abs(after - before)
    is_far = np.maximum(before, after) > LEAST_RATIO * np.minimum(before, after)
    found = np.flatnonzero((size > SIGMAS * sigma) & is_far)
    if not len(found):
        return None
    run = found[np.flatnonzero(np.diff(found, prepend=-2) > 1)[-1] :]
    place = int(np.median(run[size[run] >= _NEARLY * size[run].max()]))
    return Shift(float(starts[place + SIDE_BINS]), float(before[place]), float(after[place]))


def _bins(
    times: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the start and median of each hour that has samples."""
    hours = np.floor(times / BIN_S)
    first = np.flatnonzero(np.diff(hours, prepend=-np.inf))
    parts = np.split(values, first[1:])
    return hours[first] * BIN_S, np.array([np.median(part) for part in parts if len(part)])
