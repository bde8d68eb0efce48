"""A trial's live history: a ConfigMap ``<trial>-observations`` with every report of its metrics.

Its one key holds, for each metric, a list of ``[step, value, time]``; NaN and infinities are texts. One watch
of the label ``katib.kubeflow.org/experiment`` shows all curves of a sweep.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from kubelab.client import Object
from kubelab.tuning import Report

KEY = "reports.json"
MOST_POINTS = 2000
"""Of each metric; a ConfigMap holds at most 1 MiB."""
NOTHING = "{}"
"""A history without reports."""
_SUFFIX = "-observations"


def history_name(trial_name: str) -> str:
    """Return the name of a trial's history."""
    return trial_name + _SUFFIX


def dump(reports: Mapping[str, Sequence[Report]], keep: Sequence[Report] = ()) -> str:
    """Return reports as the text that a history holds, thinned out where there are too many.

    Parameters
    ----------
    reports : mapping
        What a trial reported, by metric.
    keep : sequence of Report
        Those of them that are to stay.
    """
    return orjson.dumps(
        {
            metric: [[report.step, _number(report.value), report.time] for report in thin(listed, keep=keep)]
            for metric, listed in reports.items()
        }
    ).decode()


def load(config_map: Object) -> dict[str, tuple[Report, ...]]:
    """Return the reports that a history holds; what is no report is left out."""
    try:
        document = orjson.loads((config_map.get("data") or {}).get(KEY) or "{}")
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(document, dict):
        return {}
    return {
        metric: tuple(report for entry in listed if (report := _report(entry)) is not None)
        for metric, listed in document.items()
        if isinstance(listed, list)
    }


class Remembering:
    """`load`, but what was read of an unchanged object is returned again, the same tuples."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Object, dict[str, tuple[Report, ...]]]] = {}

    def load(self, config_map: Object) -> dict[str, tuple[Report, ...]]:
        """Return the reports that a history holds."""
        name = config_map["metadata"]["name"]
        known = self._known.get(name)
        if known is None or known[0] is not config_map:
            known = self._known[name] = (config_map, load(config_map))
        return known[1]


def thin(reports: Sequence[Report], most: int = MOST_POINTS, keep: Sequence[Report] = ()) -> Sequence[Report]:
    """Return at most ``most`` reports: every second one goes until they are few enough.

    The first and the last, the least and the greatest stay, and of ``keep`` nearly half of ``most``.
    """
    kept = list(reports)
    # Every second place must be free to go, but for three that stay: else the loop would never end.
    wanted = {id(report) for report in keep[: max((most - 7) // 2, 0)]}
    while len(kept) > most:
        numbers = [position for position, report in enumerate(kept) if not math.isnan(report.value)]
        staying = {0, len(kept) - 1}
        if numbers:
            staying.add(min(numbers, key=lambda position: kept[position].value))
            staying.add(max(numbers, key=lambda position: kept[position].value))
        kept = [
            report
            for position, report in enumerate(kept)
            if position % 2 == 0 or position in staying or id(report) in wanted
        ]
    return kept


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _report(entry: Any) -> Report | None:
    try:
        step, value, *rest = entry
        time = rest[0] if rest else None
        return Report(int(step), float(value), None if time is None else float(time))
    except (TypeError, ValueError):
        return None
