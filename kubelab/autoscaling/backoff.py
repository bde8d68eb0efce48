"""How long a node group that failed is left alone.

Upstream: ``utils/backoff/exponential_backoff.go`` of Cluster Autoscaler 1.36.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST = timedelta(minutes=5)
LONGEST = timedelta(minutes=30)
RESET = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Backoff:
    """A group's back-off.

    Attributes
    ----------
    failed_at, until : datetime
        When it last failed, and from when on it is offered again.
    duration : timedelta
        Doubled by each failure, unless the last is three hours past.
    code, message : str
        The provider's error.
    """

    failed_at: datetime
    until: datetime
    duration: timedelta
    code: str
    message: str


def after_failure(earlier: Backoff | None, now: datetime, code: str, message: str) -> Backoff:
    """Return the back-off of a group that failed just now."""
    duration = FIRST
    if earlier is not None and now < earlier.failed_at + RESET:
        duration = min(earlier.duration * 2, LONGEST) if now >= earlier.until else earlier.duration
    return Backoff(now, now + duration, duration, code, message)
