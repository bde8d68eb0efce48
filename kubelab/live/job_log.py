"""What a job's workers wrote: their lines, and the metrics in them."""

from __future__ import annotations

import re
from collections import defaultdict

from kubelab.live.rings import LogRing, Series, at_most
from kubelab.live.snapshot import LogPart, Point
from kubelab.training.metrics import parse_metrics

_POINTS_AT_ONCE = 200
_LINE_LENGTH = 400
_DATE = re.compile(r"^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)\S*Z")
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

SeriesKey = tuple[str, int]
"""(metric, rank)."""


class JobLog:
    """Bounded memory of all workers' output, and what of it has not been passed on yet."""

    def __init__(self) -> None:
        self.step: int | None = None
        self.attempt = 0
        self._series: dict[SeriesKey, Series] = defaultdict(Series)
        self._rings: dict[int, LogRing] = defaultdict(LogRing)
        self._new: dict[SeriesKey, list[Point]] = defaultdict(list)
        self._latest: dict[int, str] = {}

    def add(self, rank: int, line: str) -> None:
        """Add a line; a restarted worker repeats its earlier metrics, which are known already."""
        metrics = parse_metrics([line], rank)
        time = max((metric.time for metric in metrics), default="")
        if time:
            if time <= self._latest.get(rank, ""):
                return
            self._latest[rank] = time
        self._rings[rank].extend([readable(line)])
        self.attempt = max([self.attempt, *(metric.attempt for metric in metrics)])
        for metric in metrics:
            if metric.step is not None:
                self.step = metric.step
                self._series[metric.name, rank].append((metric.step, metric.value))
                self._new[metric.name, rank].append((metric.step, metric.value))

    def lines(self, rank: int) -> tuple[str, ...]:
        """Return the end of a rank's log."""
        return self._rings[rank].lines() if rank in self._rings else ()

    def history(self) -> dict[SeriesKey, tuple[Point, ...]]:
        """Return every series, thinned where it was long."""
        return {key: series.points() for key, series in self._series.items()}

    def take(self) -> tuple[dict[SeriesKey, tuple[Point, ...]], tuple[LogPart, ...]]:
        """Return the points and lines added since the last call."""
        points = {key: at_most(new, _POINTS_AT_ONCE) for key, new in self._new.items()}
        self._new.clear()
        parts = ((rank, *ring.take()) for rank, ring in self._rings.items())
        return points, tuple(LogPart(rank, lines, skipped) for rank, lines, skipped in parts if lines)


def readable(line: str) -> str:
    """Return a log line as the panel shows it: time without date, no colour codes, not endless."""
    return _DATE.sub(r"\1", _COLOURS.sub("", line))[:_LINE_LENGTH]
