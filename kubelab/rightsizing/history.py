"""`History`: what all pods of one workload's container used of one resource, and what they ask for now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from kubelab.errors import KubelabError
from kubelab.usage.series import ContainerKey, Resource, UsageSeries

if TYPE_CHECKING:
    from numpy.typing import NDArray


_TOGETHER_S = 300.0
"""Pods last seen within this time of each other are taken to be there together."""


class NotEnoughHistoryError(KubelabError, ValueError):
    """A strategy has too little to go by.

    Attributes
    ----------
    points, needed : int
        How many samples there are, and how many the strategy asks for.
    """

    def __init__(self, strategy: str, container: ContainerKey, points: int, needed: int) -> None:
        self.strategy = strategy
        self.container = container
        self.points = points
        self.needed = needed
        super().__init__(
            f"{strategy} has {points} samples of {container.namespace}/{container.container} and needs "
            f"{needed}. Wait for more, or choose a strategy that needs fewer."
        )


@dataclass(frozen=True, eq=False)
class History:
    """What a strategy decides from.

    Attributes
    ----------
    container : ContainerKey
        Whose; without a pod where the series are of several.
    series : tuple of UsageSeries
        One for each pod, all of one resource.
    request, limit : float or None
        What the container asks for now, in cores or bytes.
    ooms : tuple of float
        Bytes that it had when it was killed for want of memory, the latest last.
    recheck_s : float
        How long the answer holds until somebody looks again, in seconds.
    """

    container: ContainerKey
    resource: Resource
    series: tuple[UsageSeries, ...]
    request: float | None = None
    limit: float | None = None
    ooms: tuple[float, ...] = ()
    recheck_s: float = 86_400.0

    @cached_property
    def times(self) -> NDArray[np.float64]:
        """The times of all pods' samples, ascending."""
        times = [each.times for each in self.series]
        return times[0] if len(times) == 1 else np.concatenate(times or [np.empty(0)])[self._order]

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """All pods' samples by time."""
        values = [each.values for each in self.series]
        return values[0] if len(values) == 1 else np.concatenate(values or [np.empty(0)])[self._order]

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(
            np.concatenate([each.times for each in self.series] or [np.empty(0)]), kind="stable"
        )

    @property
    def points(self) -> int:
        """How many samples there are."""
        return sum(len(each.values) for each in self.series)

    def peak(self) -> float:
        """Return the highest use of any pod."""
        return float(max(each.values.max() for each in self.series if len(each.values)))

    def mean(self) -> float:
        """Return the mean of all samples."""
        return float(np.mean(self.values))

    def latest(self) -> float:
        """Return the most that a pod used when it was last looked at."""
        lasts = [(each.times[-1], each.values[-1]) for each in self.series if len(each.times)]
        newest = max(time for time, _ in lasts)
        return float(max(value for time, value in lasts if time >= newest - _TOGETHER_S))

    def highest_quantile(self, share: float) -> float:
        """Return the highest of the pods' own quantiles, as krr takes it."""
        return float(max(np.quantile(each.values, share) for each in self.series if len(each.values)))

    def between(self, start: float, end: float) -> History:
        """Return what of it lies in [start, end), in seconds since the epoch."""
        return replace(self, series=tuple(_cut(each, start, end) for each in self.series))

    def expect(self, strategy: str, needed: int) -> None:
        """Check that there is enough to go by.

        Raises
        ------
        NotEnoughHistoryError
            If there is not.
        """
        if self.points < max(needed, 1):
            raise NotEnoughHistoryError(strategy, self.container, self.points, max(needed, 1))


def _cut(series: UsageSeries, start: float, end: float) -> UsageSeries:
    first, last = np.searchsorted(series.times, (start, end))
    return replace(series, times=series.times[first:last], values=series.values[first:last])
