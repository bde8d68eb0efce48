"""Steps that cost far more or less than the ones before them let expect.

A step is compared with the median of those before it; how far they lie apart is told by the median of
their distances, times 1.4826 as for a normal distribution (Hampel's rule): one odd step hides no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

BEFORE = 14
LEAST_BEFORE = 5
TIMES = 4.0
LEAST_SHARE = 0.2
"""A step less than this off is none, however steady the ones before were."""

_OF_NORMAL = 1.4826


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A step that is far off.

    Attributes
    ----------
    place : int
        Which step.
    usd, expected_usd, low_usd, high_usd : float
        What it cost, and what the ones before it let expect.
    """

    place: int
    usd: float
    expected_usd: float
    low_usd: float
    high_usd: float

    @property
    def why(self) -> str:
        """One sentence."""
        more = "more" if self.usd > self.expected_usd else "less"
        off = abs(self.usd - self.expected_usd)
        return (
            f"{off:.2f} USD {more} than the {self.expected_usd:.2f} USD of the steps before; "
            f"{self.low_usd:.2f} to {self.high_usd:.2f} would be usual"
        )


def anomalies(costs: Sequence[float], *, season: int = 0) -> list[Anomaly]:
    """Return the steps that are far off.

    Parameters
    ----------
    costs : sequence of float
        USD of whole steps, in order.
    season : int
        After how many steps costs repeat: a step is compared with those of its place in the rounds before,
        where five of them are known.
    """
    found = []
    for place, usd in enumerate(costs):
        before = list(costs[:place])
        alike = before[place % season :: season] if season else []
        before = (alike if len(alike) >= LEAST_BEFORE else before)[-BEFORE:]
        if len(before) < LEAST_BEFORE:
            continue
        expected = median(before)
        apart = _OF_NORMAL * median(abs(each - expected) for each in before)
        room = max(TIMES * apart, LEAST_SHARE * expected)
        if abs(usd - expected) > room:
            found.append(Anomaly(place, usd, expected, max(0.0, expected - room), expected + room))
    return found
