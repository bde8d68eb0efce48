"""From what a trial prints or writes to `Report`s, as Katib's StdOut and File collectors read it.

A value's step is the ``step`` on its own line, where there is one; otherwise it is counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from kubelab.metric_grammar import MetricLine, compile_filters, read_json, read_text, seconds
from kubelab.tuning.problem import Report

Format = Literal["TEXT", "JSON"]

STEP = "step"


class MetricReader:
    """Reads a trial's lines as they come.

    Parameters
    ----------
    metrics : sequence of str
        The metrics that are wanted.
    format : {"TEXT", "JSON"}
        Katib's ``fileFormat``.
    filters : sequence of str
        Katib's ``metricsFormat`` for text; by default ``name=value``.

    Attributes
    ----------
    reports : dict of str to list of Report
        What was read so far, for each metric that is wanted.
    names : dict of str to None
        Every name that came with a number, whether it is wanted or not, in order.
    unread : dict of str to None
        Names in JSON whose values are not texts, which Katib passes over.

    Raises
    ------
    FilterError
        If a filter cannot find names and values.
    """

    def __init__(self, metrics: Sequence[str], format: Format = "TEXT", filters: Sequence[str] = ()) -> None:
        patterns = compile_filters(filters)
        self._read: Callable[[str], MetricLine] = (
            read_json if format == "JSON" else lambda line: read_text(line, patterns)
        )
        self.reports: dict[str, list[Report]] = {metric: [] for metric in metrics}
        self.names: dict[str, None] = {}
        self.unread: dict[str, None] = {}

    def feed(self, line: str, time: float | None = None) -> list[tuple[str, Report]]:
        """Return a line's reports of the metrics that are wanted, each with its metric.

        Parameters
        ----------
        line : str
            One line, without its end.
        time : float, optional
            When it was seen, in seconds since 1970, for lines that do not say it.
        """
        found = self._read(line)
        self.names.update(dict.fromkeys(name for name, _ in found.pairs if name != STEP))
        self.unread.update(dict.fromkeys(found.unread))
        said = seconds(found.time)
        step = _step(found)
        new = []
        for name, text in found.pairs:
            if name in self.reports:
                kept = self.reports[name]
                count = len(kept) + 1
                report = Report(
                    count if step is None else step, float(text), time if said is None else said, text
                )
                kept.append(report)
                new.append((name, report))
        return new

    def unavailable(self, objective: str) -> str:
        """Return in one sentence why an objective has no value: what the trial reported instead."""
        if objective in self.unread:
            return (
                f"{objective} was written as JSON, but not as a text. "
                f'Write its values in quotes: {{"{objective}": "0.5"}}.'
            )
        if not self.names:
            return (
                f"{objective} was never reported, nor any other metric. Print lines such as {objective}=0.5."
            )
        return f"{objective} was never reported. These were: {', '.join(self.names)}."


def read_reports(
    lines: Iterable[str], metrics: Sequence[str], format: Format = "TEXT", filters: Sequence[str] = ()
) -> dict[str, tuple[Report, ...]]:
    """Return every report of the metrics that are wanted, in order.

    Raises
    ------
    FilterError
        If a filter cannot find names and values.
    """
    reader = MetricReader(metrics, format, filters)
    for line in lines:
        reader.feed(line)
    return {metric: tuple(reports) for metric, reports in reader.reports.items()}


def _step(found: MetricLine) -> int | None:
    number = next((float(text) for name, text in found.pairs if name == STEP), math.nan)
    return int(number) if math.isfinite(number) else None
