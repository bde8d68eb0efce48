"""Our own rule: follow the level that use has now, with the margin that would have paid off lately.

A request is a level that is known when it is set (the median or the peak of a recent while) times a margin.
Which level and which margin is decided by replaying the last three days: each pair is charged the slack that
it would have left, and ``price`` times the share of samples that would have been above it. The cheapest pair
is the recommendation. The replay looks again as often as somebody will: what holds for a day has to fit a
day. History before the latest shift of level does not count, once the new level has lasted a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from kubelab.rightsizing.history import History
from kubelab.rightsizing.recommendation import Evidence, Recommendation, shown, unit_of
from kubelab.rightsizing.shifts import Shift, last_shift
from kubelab.rightsizing.strategies.strategy import DAY_S, MIB

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOUR_S = 3600.0
JUDGED_S = 3 * DAY_S
"""How much of the past is replayed."""
TOLERANCE = 0.05
"""The interval holds the requests that would have cost at most so much more than the best."""
SETTLED_S = DAY_S
"""How long a new level must last before what was before it stops counting."""
MARGINS = np.concatenate([np.arange(0.5, 1.6, 0.02), np.geomspace(1.6, 8.0, 30)])
CPU_FLOOR = 0.010
MEMORY_FLOOR = 10 * MIB
MEMORY_PRICE = 50.0
"""By how much dearer it is to be above a memory request: what is above may be taken, or killed."""
MEMORY_LIMIT = 1.2
"""A memory limit is at least so much of the highest use, as in VPA's answer to a kill."""


@dataclass(frozen=True, slots=True)
class Level:
    """What of the recent past a request stands on."""

    kind: Literal["median", "peak"]
    window_s: float

    def __str__(self) -> str:
        return f"{self.kind} of the last {self.window_s / HOUR_S:g} h"

    def of(self, values: NDArray[np.float64]) -> float:
        """Return it for the values of its window."""
        return float(np.median(values) if self.kind == "median" else np.max(values))


LEVELS = (
    Level("median", 0.5 * HOUR_S),
    Level("median", 6 * HOUR_S),
    Level("median", 7 * DAY_S),
    Level("peak", 6 * HOUR_S),
    Level("peak", DAY_S),
    Level("peak", 7 * DAY_S),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One level with one margin, and what it would have cost.

    Attributes
    ----------
    slack, overrun : float
        Shares from 0 to 1, of the request and of the samples.
    """

    level: Level
    margin: float
    request: float
    slack: float
    overrun: float


@dataclass(frozen=True, slots=True)
class Adaptive:
    """The level and margin that would have paid off lately.

    Parameters
    ----------
    price : float
        What share of a request one would waste to spare one share of the time above it.
    forgets : bool
        Whether history before the latest shift of level stops counting.
    """

    name: str = "adaptive"
    price: float = 2.0
    forgets: bool = True
    lookback_s: float = 10 * DAY_S
    needed: int = 12

    def size(self, history: History) -> Recommendation:
        """Return what the container should ask for; see `Strategy.size`."""
        history.expect(self.name, self.needed)
        is_cpu = history.resource == "cpu"
        values = np.maximum(history.values, CPU_FLOOR if is_cpu else MEMORY_FLOOR)
        shift = self._shift(history.times, values)
        replay = _Replay.of(history.times, values, history.recheck_s, shift)
        judged = replay.judged(self.price if is_cpu else self.price * MEMORY_PRICE)
        best, (lower, upper) = judged.best(), judged.interval()
        peak = float(values.max())
        limit = None if is_cpu else max(best.request, *history.ooms, peak) * MEMORY_LIMIT
        return Recommendation(
            history.container,
            history.resource,
            best.request,
            limit,
            lower,
            upper,
            _why(best, replay, shift, unit_of(history.resource)),
            _evidence(best, replay, shift, peak, history),
        )

    def _shift(self, times: NDArray[np.float64], values: NDArray[np.float64]) -> Shift | None:
        """Return the latest shift, once a day of the new level has been seen."""
        shift = last_shift(times, values) if self.forgets else None
        return shift if shift and times[-1] - shift.at >= SETTLED_S else None


@dataclass(frozen=True, slots=True)
class _Replay:
    """The judged past: each sample with the levels that were known when its request was set."""

    values: NDArray[np.float64]
    known: NDArray[np.float64]  # of shape (levels, samples)
    now: NDArray[np.float64]  # of shape (levels,)
    length_s: float

    @staticmethod
    def of(
        times: NDArray[np.float64], values: NDArray[np.float64], recheck_s: float, shift: Shift | None
    ) -> _Replay:
        start = int(np.searchsorted(times, shift.at)) if shift else 0
        times, values = times[start:], values[start:]
        end = times[-1]
        first = max(end - JUDGED_S, times[0])
        checks = end - recheck_s * np.arange(int((end - first) // recheck_s), -1, -1)
        levels = np.array([_at(level, times, values, checks) for level in LEVELS])
        judged = np.searchsorted(times, checks[0], side="right")
        if judged == len(times):  # all that there is came since the last check
            return _Replay(
                values, np.repeat(levels[:, -1:], len(values), axis=1), levels[:, -1], end - times[0]
            )
        by = np.searchsorted(checks, times[judged:], side="left") - 1
        return _Replay(values[judged:], levels[:, by], levels[:, -1], float(end - checks[0]))

    def judged(self, price: float) -> _Judged:
        """Return what every level with every margin would have cost."""
        ratios = np.sort(self.values / self.known, axis=1)
        within = np.array([np.searchsorted(each, MARGINS, side="right") for each in ratios])
        overrun = 1 - within / len(self.values)
        asked = MARGINS * self.known.sum(axis=1, keepdims=True)
        slack = np.maximum(0.0, 1 - self.values.sum() / asked)
        return _Judged(MARGINS * self.now[:, None], slack, overrun, slack + price * overrun)


@dataclass(frozen=True, slots=True)
class _Judged:
    """For every level and margin; arrays of shape (levels, margins)."""

    requests: NDArray[np.float64]
    slack: NDArray[np.float64]
    overrun: NDArray[np.float64]
    cost: NDArray[np.float64]

    def best(self) -> Choice:
        level, margin = divmod(int(np.argmin(self.cost)), len(MARGINS))
        return Choice(
            LEVELS[level],
            float(MARGINS[margin]),
            float(self.requests[level, margin]),
            float(self.slack[level, margin]),
            float(self.overrun[level, margin]),
        )

    def interval(self) -> tuple[float, float]:
        """Return the least and the greatest request that would have cost hardly more than the best."""
        near = self.requests[self.cost <= self.cost.min() + TOLERANCE]
        return float(near.min()), float(near.max())


def _at(
    level: Level, times: NDArray[np.float64], values: NDArray[np.float64], checks: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a level as it was known at each check."""
    ends = np.searchsorted(times, checks, side="right")
    starts = np.minimum(np.searchsorted(times, checks - level.window_s, side="right"), ends - 1)
    return np.array([level.of(values[start:end]) for start, end in zip(starts, ends, strict=True)])


def _why(best: Choice, replay: _Replay, shift: Shift | None, unit: str) -> str:
    said = (
        f"{best.level} x {best.margin:.2f}: over the last {replay.length_s / HOUR_S:.0f} h this left "
        f"{best.slack:.0%} slack and was exceeded {best.overrun:.1%} of the time"
    )
    if shift:
        levels = f"{shown(shift.before, unit)} to {shown(shift.after, unit)}"
        said += f"; what was before the shift from {levels} does not count"
    return said


def _evidence(
    best: Choice, replay: _Replay, shift: Shift | None, peak: float, history: History
) -> tuple[Evidence, ...]:
    unit = unit_of(history.resource)
    moved: tuple[Evidence, ...] = ()
    if shift:
        since = float(history.times[-1] - shift.at)
        moved = (
            Evidence("level before the shift", shift.before, unit),
            Evidence("level since", shift.after, unit),
            Evidence("time since the shift", since, "s"),
        )
    return (
        Evidence(str(best.level), best.request / best.margin, unit),
        Evidence("margin", best.margin),
        Evidence("slack in the replay", best.slack * 100, "%"),
        Evidence("time above in the replay", best.overrun * 100, "%"),
        Evidence("replayed", replay.length_s, "s"),
        *moved,
        Evidence("median of use", float(np.median(history.values)), unit),
        Evidence("highest use", peak, unit),
        Evidence("samples", float(history.points)),
    )


ADAPTIVE = Adaptive()
LEAN = Adaptive("adaptive-lean", price=0.2)
CAREFUL = Adaptive("adaptive-careful", price=8.0, forgets=False)
SAFE = Adaptive("adaptive-safe", price=32.0, forgets=False)
