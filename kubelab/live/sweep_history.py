"""What a sweep's trials reported: every curve thinned to what a picture shows, and what of it is new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from kubelab.live.rings import Series, at_most
from kubelab.live.snapshot import Point
from kubelab.live.sweep_snapshot import TrialSeries
from kubelab.tuning import Report

CAPACITY = 256
"""Points kept of one curve; two hundred of them are half a megabyte."""


class SweepHistory:
    """Bounded memory of all curves.

    A trial's reports come whole each time, as its history holds them. While they only grow, what was added is
    new; where they do not go on from what was known (the trial was started again, or its history was thinned
    out), its curve starts again.
    """

    def __init__(self) -> None:
        self._read: dict[TrialSeries, Sequence[Report]] = {}
        self._series: dict[TrialSeries, Series] = {}
        self._new: dict[TrialSeries, list[Point]] = defaultdict(list)
        self._restarted: set[TrialSeries] = set()

    def update(self, number: int, reports: Mapping[str, Sequence[Report]]) -> None:
        """Take what a trial has reported until now."""
        for metric, listed in reports.items():
            known = self._read.get((metric, number), ())
            if listed is not known:
                self._read[metric, number] = listed
                self._add((metric, number), known, listed)

    def history(self) -> dict[TrialSeries, tuple[Point, ...]]:
        """Return every curve, thinned where it was long."""
        return {key: series.points() for key, series in self._series.items()}

    def take(self) -> tuple[dict[TrialSeries, tuple[Point, ...]], frozenset[TrialSeries]]:
        """Return the points added since the last call, and which curves they begin again."""
        points = {key: at_most(new, CAPACITY) for key, new in self._new.items() if new}
        restarted = frozenset(self._restarted & points.keys())
        self._new.clear()
        self._restarted.clear()
        return points, restarted

    def _add(self, key: TrialSeries, known: Sequence[Report], listed: Sequence[Report]) -> None:
        start = len(known)
        if not _goes_on(known, listed):
            start = 0
            self._series.pop(key, None)
            self._new[key].clear()
            self._restarted.add(key)
        series = self._series.setdefault(key, Series(CAPACITY))
        for report in listed[start:]:
            series.append((report.step, report.value))
            self._new[key].append((report.step, report.value))


def _goes_on(known: Sequence[Report], listed: Sequence[Report]) -> bool:
    if not known:
        return True
    last = len(known) - 1
    return len(listed) > last and all(_mark(known[place]) == _mark(listed[place]) for place in (0, last))


def _mark(report: Report) -> tuple[int, float | None, str]:
    return report.step, report.time, str(report.value)  # as text, because NaN is not itself
