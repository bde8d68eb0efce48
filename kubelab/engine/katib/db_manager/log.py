"""Between Katib's observation log, one list of times, names and values, and a trial's reports. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kubelab.errors import KubelabError
from kubelab.metric_grammar import seconds
from kubelab.tuning import Report
from kubelab.tuning.metric_lines import STEP

Reports = Mapping[str, Sequence[Report]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a metric, as it travels.

    Parameters
    ----------
    time : str
        RFC 3339. Katib drops an entry without one.
    name, value : str
        The metric, and a number as text.
    """

    time: str
    name: str
    value: str


class LogError(KubelabError, ValueError):
    """An observation log that cannot be kept, or cannot be asked for."""


def appended(reports: Reports, entries: Sequence[Entry]) -> dict[str, tuple[Report, ...]]:
    """Return reports with those of one call added.

    Entries of one call belong together as the words of a printed line do: where one of them is called
    ``step``, it is the step of the others; otherwise a metric's values are counted.

    Raises
    ------
    LogError
        If a time or a value is none. Nothing is to be kept then.
    """
    dated = [entry for entry in entries if entry.time]
    steps = [int(value) for entry in dated if entry.name == STEP and (value := _number(entry)).is_integer()]
    added = {metric: list(listed) for metric, listed in reports.items()}
    for entry in dated:
        listed = added.setdefault(entry.name, [])
        step = steps[-1] if steps else (listed[-1].step if listed else 0) + 1
        listed.append(Report(step, _number(entry), _moment(entry.time)))
    return {metric: tuple(listed) for metric, listed in added.items()}


def selected(reports: Reports, *, metric: str = "", start: str = "", end: str = "") -> list[Entry]:
    """Return what was reported, in the order of time, of one metric or of all and between two times.

    Raises
    ------
    LogError
        If ``start`` or ``end`` is no RFC 3339 time.
    """
    first = _moment(start) if start else float("-inf")
    last = _moment(end) if end else float("inf")
    found = [
        (report.time or 0.0, name, report)
        for name, listed in reports.items()
        for report in listed
        if name == (metric or name) and first <= (report.time or 0.0) <= last
    ]
    return [Entry(_text(time), name, repr(report.value)) for time, name, report in _by_time(found)]


def _by_time(found: Iterable[tuple[float, str, Report]]) -> list[tuple[float, str, Report]]:
    return sorted(found, key=lambda each: each[0])


def _number(entry: Entry) -> float:
    try:
        return float(entry.value)
    except ValueError:
        raise LogError(
            f"the value {entry.value!r} of {entry.name} is no number: report numbers, also nan or inf"
        ) from None


def _moment(text: str) -> float:
    found = seconds(text)
    if found is None:
        raise LogError(f"{text!r} is no RFC 3339 time: write it as 2026-01-31T12:00:00Z")
    return found


def _text(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")
