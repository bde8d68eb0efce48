"""Windows and steps, written as OpenCost's API takes them: ``today``, ``7d``, a pair of times.

OpenCost ``core/pkg/opencost/window.go`` (16d2f07). Days begin at midnight UTC, weeks on Sunday; ``7d`` is
today and the six days before it, ``24h`` this hour and the 23 before it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from kubelab.clock import parse_rfc3339
from kubelab.costs.allocation import Window
from kubelab.errors import KubelabError

MOST_STEPS = 2000
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"(\d+)([mhdw])")
_DAY = timedelta(days=1)


class WindowError(KubelabError, ValueError):
    """Costs were asked for over a time that makes no sense.

    Attributes
    ----------
    text : str
        How it was written.
    """

    def __init__(self, text: str, problem: str, remedy: str) -> None:
        self.text = text
        super().__init__(f"the window {text!r} makes no sense: {problem}. {remedy}")


_REMEDY = (
    "Write today, yesterday, week, month, lastweek, lastmonth, a length such as 30m, 24h or 7d, or a "
    "start and an end, 2026-01-01T00:00:00Z,2026-01-08T00:00:00Z."
)


def parse_window(text: str, now: datetime) -> Window:
    """Return a window as far as it has passed.

    Parameters
    ----------
    text : str
        A word, a length back from now, or a pair of RFC 3339 times or of seconds since 1970, with a comma.
    now : datetime
        What time it is; what is after it is left off.

    Raises
    ------
    WindowError
        If it cannot be read, is empty, or lies in the future.
    """
    start, end = _bounds(text, now.astimezone(UTC))
    if start >= end:
        raise WindowError(text, "it ends before it begins", _REMEDY)
    if start >= now:
        raise WindowError(text, f"it has not begun; it is {now:%Y-%m-%d %H:%M} UTC", _REMEDY)
    return Window(start, min(end, now))


def parse_length(text: str) -> timedelta:
    """Return a length such as ``30m``, ``24h`` or ``7d``.

    Raises
    ------
    WindowError
        If it is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if not found or not int(found[1]):
        raise WindowError(text, "it is no length", "Write a number and m, h, d or w, such as 24h.")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def steps(window: Window, step: str | None) -> Iterator[Window]:
    """Yield a window cut into steps, the last as short as it comes; all of it without a step.

    Raises
    ------
    WindowError
        If the step is no length, or there would be more than 2,000.
    """
    length = parse_length(step) if step else window.end - window.start
    if (window.end - window.start) / length > MOST_STEPS:
        raise WindowError(str(step), f"it cuts {window.hours:.0f} hours too finely", "Take a longer step.")
    start = window.start
    while start < window.end:
        yield Window(start, min(start + length, window.end))
        start += length


def _bounds(text: str, now: datetime) -> tuple[datetime, datetime]:
    if (word := _WORDS.get(text.strip())) is not None:
        return word(now.replace(hour=0, minute=0, second=0, microsecond=0))
    first, comma, second = text.partition(",")
    if comma:
        return _moment(text, first), _moment(text, second)
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise WindowError(text, "it cannot be read", _REMEDY)
    unit_s = min(_UNITS[found[2]], _UNITS["d"])
    end = datetime.fromtimestamp(math.ceil(now.timestamp() / unit_s) * unit_s, UTC)
    return end - parse_length(text), end


def _moment(text: str, part: str) -> datetime:
    part = part.strip()
    try:
        return datetime.fromtimestamp(int(part), UTC) if part.isdigit() else parse_rfc3339(part)
    except (ValueError, OverflowError, OSError):
        raise WindowError(text, f"{part!r} is no time", _REMEDY) from None


def month_of(moment: datetime, later: int = 0) -> datetime:
    """Return when the month of a moment began, or one so many months later."""
    number = moment.year * 12 + moment.month - 1 + later
    return moment.replace(
        year=number // 12, month=number % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
    )


def _week(today: datetime) -> datetime:
    return today - ((today.weekday() + 1) % 7) * _DAY


_WORDS: dict[str, Callable[[datetime], tuple[datetime, datetime]]] = {
    "today": lambda today: (today, today + _DAY),
    "yesterday": lambda today: (today - _DAY, today),
    "week": lambda today: (_week(today), _week(today) + 7 * _DAY),
    "lastweek": lambda today: (_week(today) - 7 * _DAY, _week(today)),
    "month": lambda today: (month_of(today), month_of(today, 1)),
    "lastmonth": lambda today: (month_of(today, -1), month_of(today)),
}
