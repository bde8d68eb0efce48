"""How a metric stands in a line of a log or a file: Katib's forms, read in one place.

Text lines hold ``name=value`` pairs, JSON lines an object with texts as values; both may say their time. The
forms are those of katib v0.19.0 (``pkg/metricscollector/v1beta1/common/const.go`` and
``file-metricscollector.go``); beyond them nan and inf are read, because a loss that left the numbers is what
a reader most wants to see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kubelab.errors import KubelabError

DEFAULT_FILTER = re.compile(
    r"([\w|-]+)\s*=\s*((?:[+-]?(?:nan|inf)(?![\w.]))|[+-]?\d*(?:\.\d+)?(?:[Ee][+-]?\d+)?)", re.IGNORECASE
)
_TIME = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))\s")
_TIME_KEY = "timestamp"


class FilterError(KubelabError, ValueError):
    """A metrics filter that cannot find names and values.

    Parameters
    ----------
    text : str
        The filter.
    cause : str
        What is wrong with it.
    """

    def __init__(self, text: str, cause: str) -> None:
        self.text = text
        self.cause = cause
        super().__init__(
            f"metrics filter {text!r} {cause}. Write a regular expression whose first group is the "
            r"metric's name and whose second is its value, such as '(\w+): ([0-9.]+)'."
        )


@dataclass(frozen=True, slots=True)
class MetricLine:
    """What one line says.

    Parameters
    ----------
    pairs : tuple of (str, str)
        Names and the texts of numbers, in order; a name may come twice.
    time : str
        When, as RFC 3339; empty where the line does not say it.
    unread : tuple of str
        Names whose values are no texts of numbers, which Katib passes over.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    time: str = ""
    unread: tuple[str, ...] = ()


def compile_filters(filters: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    r"""Return filters as Katib's ``metricsFormat`` has them, or the default where there are none.

    Raises
    ------
    FilterError
        If one is no regular expression, or has fewer than two groups.
    """
    compiled = []
    for text in filters:
        try:
            pattern = re.compile(text)
        except re.error as error:
            raise FilterError(text, f"is no regular expression ({error})") from None
        if pattern.groups < 2:
            raise FilterError(text, f"has {pattern.groups} groups where two are needed")
        compiled.append(pattern)
    return tuple(compiled) or (DEFAULT_FILTER,)


def read_text(line: str, filters: Sequence[re.Pattern[str]] = (DEFAULT_FILTER,)) -> MetricLine:
    """Return what a line of text says."""
    found = [
        (match.group(1) or "", match.group(2) or "")
        for pattern in filters
        for match in pattern.finditer(line)
    ]
    pairs = [(name.strip(), value.strip()) for name, value in found if _is_number(value)]
    time = _TIME.match(line)
    return MetricLine(tuple(pairs), time.group(1) if time else "")


def read_json(line: str) -> MetricLine:
    """Return what a line of JSON says; nothing where it is no object."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return MetricLine()
    if not isinstance(found, dict):
        return MetricLine()
    time = _json_time(found.pop(_TIME_KEY, ""))
    pairs = [(name, value.strip()) for name, value in found.items() if _is_number_text(value)]
    unread = [name for name, value in found.items() if not _is_number_text(value)]
    return MetricLine(tuple(pairs), time, tuple(unread))


def seconds(time: str) -> float | None:
    """Return an RFC 3339 time in seconds since 1970; None where it is none."""
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None


def _json_time(value: object) -> str:
    """Return a time as RFC 3339; Katib takes a text, or a number of seconds since 1970."""
    if isinstance(value, str):
        return value if seconds(value) is not None else ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        return datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return ""


def _is_number_text(value: object) -> bool:
    return isinstance(value, str) and _is_number(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:  # also an empty text, a lone sign or exponent
        return False
    return True
