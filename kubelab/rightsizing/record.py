"""`Record`: what was changed on an object, kept in its annotation so that anyone can undo it later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from kubelab.client import Object
from kubelab.clock import parse_rfc3339, rfc3339

ANNOTATION = "rightsizing.kubelab.dev/applied"

Resources = Mapping[str, Mapping[str, str]]
"""``requests`` and ``limits`` of a container."""


@dataclass(frozen=True, slots=True)
class Record:
    """One applied change of a container.

    Attributes
    ----------
    at : datetime
        When, in UTC.
    before, after : Resources
        What of cpu and memory it asked for before the first change that is not undone, and since.
    """

    at: datetime
    before: Resources
    after: Resources


def records_of(obj: Object) -> dict[str, Record]:
    """Return what was changed on an object, by container; nothing where the annotation makes no sense."""
    text = (obj["metadata"].get("annotations") or {}).get(ANNOTATION)
    try:
        content: Mapping[str, Any] = orjson.loads(text or "{}")
        return {
            name: Record(parse_rfc3339(each["at"]), each["before"], each["after"])
            for name, each in content.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def written(records: Mapping[str, Record]) -> str | None:
    """Return the annotation's value; None where nothing is left, which deletes it in a patch."""
    if not records:
        return None
    content = {
        name: {"at": rfc3339(each.at), "before": each.before, "after": each.after}
        for name, each in records.items()
    }
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
