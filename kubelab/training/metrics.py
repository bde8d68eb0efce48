"""Metrics as they stand in a worker's log, and as a DataFrame."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

from kubelab.metric_grammar import read_text

if TYPE_CHECKING:
    import pandas as pd

# The lines of a traceback: program text is indented, and the last one names the error.
_TRACEBACK = re.compile(r"\s|[\w.]*(?:Error|Exception|Interrupt|Warning|Exit)(?::|$)")


@dataclass(frozen=True, slots=True)
class Metric:
    """One number that one worker reported.

    Parameters
    ----------
    step : int, optional
        The step it belongs to.
    rank : int
        The worker.
    name : str
        What it is, such as ``loss``.
    value : float
        May be NaN or infinite.
    time : str
        When, as RFC 3339; empty where the line has no time.
    attempt : int
        How often the worker had been started before.
    """

    step: int | None
    rank: int
    name: str
    value: float
    time: str
    attempt: int


def parse_metrics(lines: Iterable[str], rank: int = 0) -> list[Metric]:
    """Return the metrics in a log, each once, in the order of their first appearance.

    Parameters
    ----------
    lines : iterable of str
        A worker's log. Lines without ``name=value`` are passed over, and so are those of a traceback.
    rank : int
        Whose log it is.
    """
    found: dict[Metric, None] = {}
    for line in lines:
        for metric in _metrics_of(line, rank):
            found.setdefault(metric)
    return list(found)


def metrics_frame(metrics: Iterable[Metric]) -> pd.DataFrame:
    """Return metrics as a DataFrame with the columns of `Metric`, ordered by time and rank."""
    import pandas as pd

    columns = [field.name for field in fields(Metric)]
    frame = pd.DataFrame([astuple(metric) for metric in metrics], columns=columns)
    frame["step"] = frame["step"].astype("Int64")
    frame["time"] = pd.to_datetime(frame["time"], format="ISO8601", utc=True)
    types = {"rank": int, "value": float, "attempt": int}
    return frame.astype(types).sort_values(["time", "rank"], kind="stable", ignore_index=True)


def _metrics_of(line: str, rank: int) -> list[Metric]:
    if _TRACEBACK.match(line):
        return []
    found = read_text(line)
    pairs = dict(found.pairs)
    step, attempt = pairs.pop("step", None), pairs.pop("attempt", "0")
    return [
        Metric(_whole(step), rank, name, float(value), found.time, _whole(attempt) or 0)
        for name, value in pairs.items()
    ]


def _whole(text: str | None) -> int | None:
    number = math.nan if text is None else float(text)
    return int(number) if math.isfinite(number) else None
