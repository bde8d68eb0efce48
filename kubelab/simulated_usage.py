"""What a pod on a simulated node uses over time, as it is declared.

A series is ``[[seconds, millicores, bytes], ...]`` in order of time, from the start of each run of the pod's
containers; each point holds until the next, the first also before it. Written as ``{"points": [...],
"since": "2026-01-01T00:00:00Z", "every": 86400}`` it counts from a moment instead, whichever pod runs then,
and begins anew after so many seconds; both are optional.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import orjson

from kubelab.clock import parse_rfc3339

Point = tuple[float, int, int]
"""Seconds, millicores, bytes."""

NO_USE: Point = (0.0, 0, 0)


@dataclass(frozen=True, slots=True)
class DeclaredUse:
    """Use of a whole pod over time.

    Attributes
    ----------
    points : tuple of Point
        In order of time; at least one.
    since : datetime or None
        What their seconds count from; None for the start of the run.
    every_s : float or None
        After how long they begin anew; None for never.
    """

    points: tuple[Point, ...]
    since: datetime | None = None
    every_s: float | None = None

    def at(self, moment: datetime, started: datetime) -> Point:
        """Return the point that holds at a moment, in a run that started then."""
        passed_s = (moment - (self.since or started)).total_seconds()
        return self.points[self._index(passed_s)]

    def ahead(self, moment: datetime, started: datetime) -> Iterator[tuple[float, Point]]:
        """Yield what holds from a moment on, each point once, and in how many seconds it begins."""
        passed_s, waited_s = (moment - (self.since or started)).total_seconds(), 0.0
        for _ in range(len(self.points) + 1):
            point, lasts_s = self._from(passed_s + waited_s)
            yield waited_s, point
            if math.isinf(lasts_s):
                return
            waited_s += max(lasts_s, 1e-6)  # a moment has microseconds

    def between(self, start: datetime, end: datetime) -> Iterator[tuple[float, Point]]:
        """Yield for how many seconds each point holds in a run from start to end."""
        moment = start
        while moment < end:
            point, lasts_s = self._from((moment - (self.since or start)).total_seconds())
            until = end if lasts_s >= (end - moment).total_seconds() else moment + timedelta(seconds=lasts_s)
            if until <= moment:  # less than a microsecond is left of it
                until = moment + timedelta(microseconds=1)
            yield (until - moment).total_seconds(), point
            moment = until

    def _from(self, passed_s: float) -> tuple[Point, float]:
        """Return the point that holds after so many seconds, and for how long from there."""
        index = self._index(passed_s)
        within_s = self._within(passed_s)
        if index + 1 < len(self.points):
            return self.points[index], self.points[index + 1][0] - within_s
        return self.points[index], math.inf if self.every_s is None else self.every_s - within_s

    def _index(self, passed_s: float) -> int:
        return max(bisect_right(self.points, self._within(passed_s), key=lambda point: point[0]) - 1, 0)

    def _within(self, passed_s: float) -> float:
        return passed_s if self.every_s is None else passed_s % self.every_s

    def written(self) -> str:
        """Return it as an annotation has it."""
        found: dict[str, object] = {"points": self.points}
        if self.since is not None:
            found["since"] = self.since.isoformat().replace("+00:00", "Z")
        if self.every_s is not None:
            found["every"] = self.every_s
        return orjson.dumps(found).decode()


@lru_cache(maxsize=4096)
def read_use(text: str) -> DeclaredUse:
    """Read a series.

    Raises
    ------
    ValueError
        If it means nothing.
    """
    try:
        given = orjson.loads(text)
        whole = given if isinstance(given, dict) else {"points": given}
        points = tuple((float(at), int(cpu), int(memory)) for at, cpu, memory in whole.pop("points"))
        since, every = whole.pop("since", None), whole.pop("every", None)
        use = DeclaredUse(
            points, None if since is None else parse_rfc3339(since), None if every is None else float(every)
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(text) from error
    if whole or not _makes_sense(use):
        raise ValueError(text)
    return use


def _makes_sense(use: DeclaredUse) -> bool:
    times = [point[0] for point in use.points]
    if not times or times != sorted(times) or not all(map(math.isfinite, times)):
        return False
    if min(map(min, use.points)) < 0:
        return False
    return use.every_s is None or times[-1] < use.every_s < math.inf
