"""A job's events: those of its own object, and of all that was made for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kubelab.client import Object
from kubelab.clock import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    import pandas as pd

_MADE_FOR = re.compile(
    r"-(code|checkpoints|(node|worker|launcher|dataset-initializer|model-initializer)-\d+(-.*)?"
    r"|\d+-[a-z0-9]{5})"  # an Indexed Job's pods
)
"""What follows the job's name in the names of its Jobs, pods, ConfigMap and claim."""
_NO_TIME = datetime.min.replace(tzinfo=UTC)


def events_of(name: str, events: Iterable[Object]) -> list[Object]:
    """Return the events of the objects of a job, oldest first; their names start with the job's."""
    own = [event for event in events if _belongs(event, name)]
    return sorted(own, key=_time)


def event_rows(events: Iterable[Object]) -> list[dict[str, Any]]:
    """Return events as rows: time, type, object, reason, message, count; oldest first."""
    return [
        {
            "time": rfc3339(_time(event)),
            "type": event.get("type", ""),
            "object": f"{_subject(event).get('kind', '')}/{_subject(event).get('name', '')}",
            "reason": event.get("reason", ""),
            "message": event.get("message", ""),
            "count": event.get("count") or (event.get("series") or {}).get("count") or 1,
        }
        for event in sorted(events, key=_time)
    ]


def events_frame(events: Iterable[Object]) -> pd.DataFrame:
    """Return events as a DataFrame: time (UTC), type, object, reason, message, count; oldest first."""
    import pandas as pd

    columns = ["time", "type", "object", "reason", "message", "count"]
    frame = pd.DataFrame(event_rows(events), columns=columns)
    frame["time"] = pd.to_datetime(frame["time"], utc=True)
    return frame


def _belongs(event: Object, name: str) -> bool:
    subject = str(_subject(event).get("name", ""))
    return subject == name or (
        subject.startswith(name) and _MADE_FOR.fullmatch(subject, len(name)) is not None
    )


def _subject(event: Object) -> Object:
    return event.get("involvedObject") or event.get("regarding") or {}


def _time(event: Object) -> datetime:
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("eventTime"), event.get("lastTimestamp"))
    seen = [parse_rfc3339(time) for time in times if time]
    created = event["metadata"].get("creationTimestamp")
    return max(seen, default=parse_rfc3339(created) if created else _NO_TIME)
