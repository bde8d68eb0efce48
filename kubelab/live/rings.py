"""Bounded memories of a run: metric series that thin out evenly as they grow, and the end of each log."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from kubelab.live.snapshot import Point


class Series:
    """The points of one metric of one rank.

    When it is full, every second point goes, and from then on only every second new one is kept: the
    whole run stays in view at half the detail, evenly. The latest point is always there.

    Parameters
    ----------
    capacity : int
        The most points to keep.
    """

    def __init__(self, capacity: int = 2048) -> None:
        self.capacity = capacity
        self._kept: list[Point] = []
        self._latest: list[Point] = []
        self._stride = 1
        self._count = 0

    def append(self, point: Point) -> None:
        """Add the latest point."""
        on_stride = self._count % self._stride == 0
        self._count += 1
        self._latest = [] if on_stride else [point]
        if on_stride:
            self._kept.append(point)
        if len(self._kept) + len(self._latest) > self.capacity:
            self._halve()

    def points(self) -> tuple[Point, ...]:
        """Return what is kept, oldest first."""
        return (*self._kept, *self._latest)

    def _halve(self) -> None:
        newest = self.points()[-1]
        self._kept = self._kept[::2]
        self._stride *= 2
        self._latest = [] if self._kept[-1] is newest else [newest]


def thin(points: Sequence[Point]) -> list[Point]:
    """Return every second point, the last among them."""
    return list(points[(len(points) - 1) % 2 :: 2])


def at_most(points: Sequence[Point], count: int) -> tuple[Point, ...]:
    """Return the points, thinned until there are at most ``count``."""
    kept = list(points)
    while len(kept) > count:
        kept = thin(kept)
    return tuple(kept)


class LogRing:
    """The last lines of a log, and those not yet passed on.

    Parameters
    ----------
    capacity : int
        The most lines to keep.
    burst : int
        The most lines to pass on at once; the rest is counted.
    """

    def __init__(self, capacity: int = 500, burst: int = 100) -> None:
        self._lines: deque[str] = deque(maxlen=capacity)
        self._new: deque[str] = deque(maxlen=burst)
        self._added = 0

    def extend(self, lines: Iterable[str]) -> None:
        """Add lines."""
        for line in lines:
            self._lines.append(line)
            self._new.append(line)
            self._added += 1

    def lines(self) -> tuple[str, ...]:
        """Return what is kept, oldest first."""
        return tuple(self._lines)

    def take(self) -> tuple[tuple[str, ...], int]:
        """Return the lines added since the last call, and how many before them were skipped."""
        new, skipped = tuple(self._new), self._added - len(self._new)
        self._new.clear()
        self._added = 0
        return new, skipped
