"""What is left of raw samples once what makes no sense is out, and what was wrong with the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GAP = 10
"""So many times the usual distance between two samples is a gap."""


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """Samples that can be used.

    Attributes
    ----------
    times, values : ndarray of float64, shape (n,)
        Strictly ascending; finite and not negative.
    not_numbers, negative, ahead, backwards : int
        How many samples were left out as they were NaN or infinite, below zero, or of a time still to come;
        and how many came out of order or twice (the last of a time counts).
    gaps : int
        How often there is nothing for `GAP` times the usual distance.
    longest_gap_s : float
        0 without any.
    """

    times: NDArray[np.float64]
    values: NDArray[np.float64]
    not_numbers: int = 0
    negative: int = 0
    ahead: int = 0
    backwards: int = 0
    gaps: int = 0
    longest_gap_s: float = 0.0

    def problems(self) -> Iterator[str]:
        """Yield what was wrong, in a few words each."""
        for count, what in (
            (self.not_numbers, "were no numbers"),
            (self.negative, "were negative"),
            (self.ahead, "were of a time to come"),
            (self.backwards, "came out of order or twice"),
        ):
            if count:
                yield f"{count} samples {what}"
        if self.gaps:
            yield f"{self.gaps} gaps, the longest of {self.longest_gap_s / 60:.0f} minutes"


def clean(times: NDArray[np.float64], values: NDArray[np.float64], *, now: float) -> Cleaned:
    """Leave out what makes no sense, and put the rest in order.

    Parameters
    ----------
    times, values : ndarray of float64, shape (n,)
        Seconds since the epoch, and amounts; in any order, with any value.
    now : float
        Samples of a later time are left out: a clock was wrong.
    """
    import numpy as np

    numbers = np.isfinite(times) & np.isfinite(values)
    negative = numbers & (values < 0)
    ahead = numbers & ~negative & (times > now)
    good = numbers & ~negative & ~ahead
    kept_times, kept_values = times[good], values[good]
    late = int((np.diff(kept_times) <= 0).sum())
    # Of several samples of one time the last that came is right: found first in the reversed order.
    ordered, first = np.unique(kept_times[::-1], return_index=True)
    steps = np.diff(ordered)
    gaps = steps[steps > GAP * np.median(steps)] if len(steps) > 1 else steps[:0]
    return Cleaned(
        ordered,
        kept_values[::-1][first],
        int((~numbers).sum()),
        int(negative.sum()),
        int(ahead.sum()),
        late,
        len(gaps),
        float(gaps.max(initial=0.0)),
    )


def rates(times: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how fast a counter grew up to each sample but the first, a second.

    A counter that falls was reset, and began again at 0, as Prometheus' ``rate`` has it.

    Parameters
    ----------
    times, counts : ndarray of float64, shape (n,)
        Strictly ascending times.

    Returns
    -------
    ndarray of float64, shape (n - 1,)
    """
    import numpy as np

    grown = np.diff(counts)
    return np.where(grown < 0, counts[1:], grown) / np.diff(times)
