"""When a cron schedule is next due, as ``robfig/cron`` v3 has it, which upstream uses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from kubelab.engine.apiserver.validation.cron import FIELDS

_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_parts = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)").findall
# A day that never comes, such as 30 February, is looked for this long.
_LONGEST = timedelta(days=5 * 366)


class Schedule(Protocol):
    """Times at which something is due."""

    def next(self, after: datetime) -> datetime | None:
        """Return the first time after another, in UTC; None if there is none in five years."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """A fixed interval (``@every 90m``)."""

    interval: timedelta

    def next(self, after: datetime) -> datetime | None:
        """Return the time an interval later, on a whole second."""
        return after.replace(microsecond=0) + self.interval


@dataclass(frozen=True, slots=True)
class Field:
    """The values of one field, and whether it was left open by ``*`` or ``?``."""

    values: frozenset[int]
    open: bool


@dataclass(frozen=True, slots=True)
class Cron:
    """Minute, hour, day of the month, month and day of the week, in a time zone.

    An hour that a change of the clocks leaves out is not due; one that it repeats is due twice.
    """

    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field
    zone: tzinfo

    def next(self, after: datetime) -> datetime | None:
        """Return the first time after another, in UTC; None if there is none in five years."""
        moment = (after.astimezone(UTC) + timedelta(minutes=1)).replace(second=0, microsecond=0)
        latest = moment + _LONGEST
        while moment < latest:
            local = moment.astimezone(self.zone)
            if local.month not in self.month.values:
                ahead = _midnight(local.replace(day=28) + timedelta(days=4), first_of_month=True)
            elif not self._is_day(local):
                ahead = _midnight(local + timedelta(days=1))
            elif local.hour not in self.hour.values:
                ahead = moment + timedelta(minutes=60 - local.minute)
            elif local.minute not in self.minute.values:
                ahead = moment + timedelta(minutes=1)
            else:
                return moment
            moment = max(ahead, moment + timedelta(minutes=1))
        return None

    def _is_day(self, local: datetime) -> bool:
        """Say whether the day is due: either kind of day suffices where both are restricted."""
        found = (local.day in self.day.values, local.isoweekday() % 7 in self.weekday.values)
        return all(found) if self.day.open or self.weekday.open else any(found)


def parse(schedule: str, zone: tzinfo) -> Schedule:
    """Read a schedule.

    Raises
    ------
    ValueError
        If it is none; ``schedule_problem`` says why.
    """
    if schedule.startswith("@every "):
        seconds = sum(float(number) * _UNITS_S[unit] for number, unit in _parts(schedule[7:]))
        return Every(timedelta(seconds=max(1, int(seconds))))
    texts = _DESCRIPTORS.get(schedule, schedule).split()
    minute, hour, day, month, weekday = (
        _field(text, lowest, highest, names)
        for text, (lowest, highest, names) in zip(texts, FIELDS, strict=True)
    )
    return Cron(minute, hour, day, month, weekday, zone)


def _field(text: str, lowest: int, highest: int, names: dict[str, int]) -> Field:
    values: set[int] = set()
    is_open = False
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        step = int(step_text) if slash else 1
        if span in ("*", "?"):
            first, last, is_open = lowest, highest, is_open or step == 1
        else:
            bounds = [names[each.lower()] if each.lower() in names else int(each) for each in span.split("-")]
            first = bounds[0]
            # "5/10" is from 5 to the highest.
            last = bounds[1] if len(bounds) > 1 else highest if slash else first
        values.update(range(first, last + 1, step))
    return Field(frozenset(values), is_open)


def _midnight(local: datetime, *, first_of_month: bool = False) -> datetime:
    day = local.replace(day=1) if first_of_month else local
    return day.replace(hour=0, minute=0, fold=0).astimezone(UTC)
