"""The only place that reads the wall clock.

Waiting is asyncio's business (``asyncio.sleep``, ``loop.call_later``): on the virtual clock the
event loop itself jumps, so code that waits need not know which clock it is on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        ...


class RealClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that follows an event loop's own time.

    Parameters
    ----------
    seconds : callable
        Seconds since the start, such as the loop's ``time``.
    start : datetime
        What time it was then.
    """

    def __init__(self, seconds: Callable[[], float], start: datetime) -> None:
        self._seconds = seconds
        self._start = start

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return self._start + timedelta(seconds=self._seconds())


def monotonic() -> float:
    """Return seconds from an arbitrary start, for measuring durations."""
    return time.monotonic()


def rfc3339(moment: datetime) -> str:
    """Format as Kubernetes' ``metav1.Time``: ``2026-01-31T12:00:00Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def rfc3339_micro(moment: datetime) -> str:
    """Format as Kubernetes' ``metav1.MicroTime``: ``2026-01-31T12:00:00.000000Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_rfc3339(text: str) -> datetime:
    """Parse what either formatter wrote, with up to nine digits of fraction.

    Raises
    ------
    ValueError
        If the text is not an RFC 3339 time.
    """
    return datetime.fromisoformat(text).astimezone(UTC)
