"""What a trial has printed, as reports of its metrics."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.engine.controllers.katib.metric_lines import parse_line
from kubelab.tuning import Report

_MOST_NAMES = 20


class Reported:
    """Reports in the order in which they came.

    A trial whose pod was started again goes on from where it says: what was reported at that step or after it
    is dropped.

    Parameters
    ----------
    metrics : sequence of str
        Those of the search; of others only the names are kept.
    """

    def __init__(self, metrics: Sequence[str]) -> None:
        self.reports: dict[str, list[Report]] = {metric: [] for metric in metrics}
        self.other_metrics: dict[str, None] = {}
        self.version = 0
        self._again: set[str] = set()

    def begin(self) -> None:
        """Take note that what follows comes from another start of the trial's container."""
        self._again = {metric for metric, listed in self.reports.items() if listed}

    def add_line(self, line: str) -> None:
        """Add what a line of the log reports."""
        for name, report in parse_line(line, self.reports):
            if name not in self.reports:
                if len(self.other_metrics) < _MOST_NAMES:
                    self.other_metrics[name] = None
                continue
            if name in self._again:
                self._again.discard(name)
                self.reports[name] = [each for each in self.reports[name] if each.step < report.step]
            self.reports[name].append(report)
            self.version += 1
