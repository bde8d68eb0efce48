"""Cron schedules, read as ``robfig/cron`` v3's standard parser reads them."""

from __future__ import annotations

import re

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# The lowest and highest value and the names of minute, hour, day of the month, month and day of the week.
FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    (0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_DESCRIPTORS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_DURATION = re.compile(r"@every ([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+")


def schedule_problem(schedule: str) -> str:
    """Return what the parser says about a bad schedule; empty for a good one."""
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        return "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
    if schedule.startswith("@"):
        known = schedule in _DESCRIPTORS or _DURATION.fullmatch(schedule)
        return "" if known else f"unrecognized descriptor: {schedule}"
    fields = schedule.split()
    if len(fields) != 5:
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    for text, (lowest, highest, names) in zip(fields, FIELDS, strict=True):
        for part in text.split(","):
            problem = _range_problem(part, lowest, highest, names)
            if problem:
                return problem
    return ""


def _range_problem(text: str, lowest: int, highest: int, names: dict[str, int]) -> str:
    span, slash, step = text.partition("/")
    if slash and not step.isdigit():
        return _not_a_number(step)
    if slash and int(step) == 0:
        return f"step of range should be a positive number: {text}"
    if span in {"*", "?"}:
        return ""
    bounds = span.split("-")
    for bound in bounds:
        if bound.lower() not in names and not bound.isdigit():
            return _not_a_number(bound)
    if len(bounds) > 2:
        return f"too many hyphens: {text}"
    first, last = (
        names[bound.lower()] if bound.lower() in names else int(bound) for bound in (bounds[0], bounds[-1])
    )
    return _bounds_problem(first, last, lowest, highest, text)


def _bounds_problem(first: int, last: int, lowest: int, highest: int, text: str) -> str:
    if first < lowest:
        return f"beginning of range ({first}) below minimum ({lowest}): {text}"
    if last > highest:
        return f"end of range ({last}) above maximum ({highest}): {text}"
    if first > last:
        return f"beginning of range ({first}) beyond end of range ({last}): {text}"
    return ""


def _not_a_number(text: str) -> str:
    return f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax'
