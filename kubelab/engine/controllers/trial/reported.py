"""What a trial has printed, as reports of its metrics."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.engine.katib.collectors import Source
from kubelab.tuning import Report
from kubelab.tuning.metric_lines import MetricReader


class Reported:
    """Reports in the order in which they came.

    A trial whose container was started again goes on from the step that it names: what was reported at that
    step or after it is dropped.

    Parameters
    ----------
    metrics : sequence of str
        Those of the search, the objective first.
    source : Source
        How they are written.

    Attributes
    ----------
    reports : dict of str to list of Report
        What was read so far, for each metric.
    version : int
        Counts the reports that were read.
    """

    def __init__(self, metrics: Sequence[str], source: Source) -> None:
        self.metrics = tuple(metrics)
        self.source = source
        self.reports: dict[str, list[Report]] = {metric: [] for metric in metrics}
        self.version = 0
        self._reader = self._new_reader()
        self._again: set[str] = set()

    def begin(self) -> None:
        """Take note that what follows comes from another start of the trial's container."""
        self._again = {metric for metric, listed in self.reports.items() if listed}
        if self._again:
            self._reader = self._new_reader()

    def feed(self, line: str, time: float | None) -> bool:
        """Add what a line reports; say whether it reports anything of the search."""
        new = self._reader.feed(line, time)
        for metric, report in new:
            if metric in self._again:
                self._again.discard(metric)
                self.reports[metric] = [each for each in self.reports[metric] if each.step < report.step]
            self.reports[metric].append(report)
        self.version += len(new)
        return bool(new)

    def unavailable(self) -> str:
        """Return in one sentence why the objective has no value: what the trial reported instead."""
        return self._reader.unavailable(self.metrics[0])

    def _new_reader(self) -> MetricReader:
        return MetricReader(self.metrics, self.source.format, self.source.filters)
