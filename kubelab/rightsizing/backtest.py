"""`backtest`: the first part of a series sizes a container, the rest says what would have come of it.

The protocol is a holdout. A strategy sizes once from the first part, or again and again while the rest goes
by, each time from nothing but what was before; then its request stands beside what was really used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from kubelab.rightsizing.history import History
from kubelab.rightsizing.recommendation import Recommendation
from kubelab.rightsizing.strategies.strategy import DAY_S, Strategy
from kubelab.usage.series import ContainerKey, Resource, UsageSeries

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Terms:
    """How a strategy is put to the test.

    Attributes
    ----------
    sized_by : float
        Which share of each series is there before the test begins, from 0 to 1.
    every_s : float or None
        How often it sizes anew during the test; None: never.
    min_change : float
        Changes of a request by less than this share are not made.
    floor : float
        No request is less, in cores or bytes.
    lookback_s : float or None
        How much history each strategy sees; its own unless given.
    """

    sized_by: float = 0.5
    every_s: float | None = None
    min_change: float = 0.0
    floor: float = 0.0
    lookback_s: float | None = None


ONCE = Terms(lookback_s=float("inf"))


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What came of one series.

    Attributes
    ----------
    slack : float
        Share of the mean request that was not used on average, ``max(0, 1 - mean(use) / mean(request))``.
    overrun : float
        Share of samples above the request.
    throttled : float
        Of CPU: share of the work asked for that lay beyond the limit.
    ooms : int
        Of memory: how many times use rose above the limit.
    resizes : int
        How often the request changed during the test.
    request, use : float
        Means over the test, in cores or bytes.
    times, requests : ndarray of float64, shape (n,)
        The test's samples, and the request that held at each.
    """

    container: ContainerKey
    resource: Resource
    slack: float
    overrun: float
    throttled: float
    ooms: int
    resizes: int
    request: float
    use: float
    times: NDArray[np.float64] = field(repr=False)
    requests: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True)
class Backtest:
    """What came of a strategy on several series, each counting alike."""

    strategy: str
    outcomes: tuple[Outcome, ...]

    @property
    def slack(self) -> float:
        """Mean slack, from 0 to 1."""
        return fmean(each.slack for each in self.outcomes)

    @property
    def overrun(self) -> float:
        """Mean share of samples over the request, from 0 to 1."""
        return fmean(each.overrun for each in self.outcomes)

    @property
    def throttled(self) -> float:
        """Mean share of CPU work that was held back, from 0 to 1."""
        return fmean(each.throttled for each in self.outcomes)

    @property
    def ooms(self) -> int:
        """How many kills there were in all."""
        return sum(each.ooms for each in self.outcomes)

    @property
    def resizes(self) -> int:
        """How many changes there were in all."""
        return sum(each.resizes for each in self.outcomes)

    def dominates(self, other: Backtest) -> bool:
        """Say whether it wastes less and is overrun no more often."""
        return self.slack < other.slack and self.overrun <= other.overrun

    def __repr__(self) -> str:
        return (
            f"<Backtest {self.strategy}: slack {self.slack:.1%}, over the request {self.overrun:.1%}, "
            f"{len(self.outcomes)} series>"
        )


def backtest(strategy: Strategy, series: Iterable[UsageSeries], terms: Terms = ONCE) -> Backtest:
    """Return what would have come of a strategy.

    Parameters
    ----------
    series : iterable of UsageSeries
        Each is sized on its own; they need enough samples in their first part for the strategy.

    Raises
    ------
    NotEnoughHistoryError
        If they have not.
    """
    return Backtest(strategy.name, tuple(_outcome(strategy, each, terms) for each in series))


def frontier(tests: Sequence[Backtest]) -> pd.DataFrame:
    """Return strategies side by side, the least slack first.

    Returns
    -------
    DataFrame
        strategy, slack, overrun, throttled (shares from 0 to 1), ooms, resizes, and efficient: whether no
        other has both less slack and no more overrun.
    """
    import pandas as pd

    rows = [
        {
            "strategy": each.strategy,
            "slack": each.slack,
            "overrun": each.overrun,
            "throttled": each.throttled,
            "ooms": each.ooms,
            "resizes": each.resizes,
            "efficient": not any(other.dominates(each) for other in tests),
        }
        for each in sorted(tests, key=lambda test: test.slack)
    ]
    return pd.DataFrame(rows)


def _outcome(strategy: Strategy, whole: UsageSeries, terms: Terms) -> Outcome:
    begin = int(len(whole.values) * terms.sized_by)
    used = whole.values[begin:]
    requests, limits = _sized(strategy, whole, begin, terms)
    use, request = float(used.mean()), float(requests.mean())
    beyond = np.maximum(used - limits, 0.0)
    above = used > limits
    is_cpu = whole.resource == "cpu"
    return Outcome(
        whole.container,
        whole.resource,
        slack=max(0.0, 1 - use / request) if request else 0.0,
        overrun=float((used > requests).mean()),
        throttled=float(beyond.sum() / used.sum()) if is_cpu and used.sum() else 0.0,
        ooms=0 if is_cpu else int(above[0]) + int(np.count_nonzero(above[1:] & ~above[:-1])),
        resizes=int(np.count_nonzero(np.diff(requests))),
        request=request,
        use=use,
        times=whole.times[begin:],
        requests=requests,
    )


def _sized(
    strategy: Strategy, series: UsageSeries, begin: int, terms: Terms
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the request and limit that held at each sample of the test."""
    requests = np.empty(len(series.values) - begin)
    limits = np.empty_like(requests)
    current: Recommendation | None = None
    for start, end in _steps(series.times, begin, terms.every_s):
        new = _size(strategy, series, float(series.times[start]), current, terms)
        if current is None or _differs(new, current, terms):
            current = new
        requests[start - begin : end - begin] = max(current.request, terms.floor)
        limit = float("inf") if current.limit is None else max(current.limit, terms.floor)
        limits[start - begin : end - begin] = limit
    return requests, limits


def _steps(times: NDArray[np.float64], begin: int, every_s: float | None) -> Iterable[tuple[int, int]]:
    """Yield the spans of samples between two sizings."""
    if every_s is None:
        yield begin, len(times)
        return
    start = begin
    while start < len(times):
        end = max(int(np.searchsorted(times, times[start] + every_s)), start + 1)
        yield start, end
        start = end


def _size(
    strategy: Strategy, series: UsageSeries, now: float, current: Recommendation | None, terms: Terms
) -> Recommendation:
    lookback = strategy.lookback_s if terms.lookback_s is None else terms.lookback_s
    known = History(
        series.container,
        series.resource,
        (series,),
        request=current.request if current else None,
        limit=current.limit if current else None,
        recheck_s=terms.every_s or DAY_S,
    )
    return strategy.size(known.between(now - lookback, now))


def _differs(new: Recommendation, old: Recommendation, terms: Terms) -> bool:
    before = max(old.request, terms.floor)
    return abs(max(new.request, terms.floor) - before) > terms.min_change * before
