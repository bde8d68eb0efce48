"""Containers that were killed for want of memory, as the statuses of pods tell.

Upstream: ``pkg/recommender/input/oom/observer.go`` of VPA 1.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.rightsizing.priority import requests_of


@dataclass(frozen=True, slots=True)
class Kill:
    """One of them.

    Attributes
    ----------
    requested : int
        The bytes that the container had asked for.
    """

    namespace: str
    pod: str
    container: str
    at: datetime
    requested: int


def kills(old: Object, new: Object) -> Iterator[Kill]:
    """Yield what a change of a pod's status tells."""
    meta = new["metadata"]
    before = {each["name"]: each for each in (old.get("status") or {}).get("containerStatuses") or ()}
    for entry in (new.get("status") or {}).get("containerStatuses") or ():
        ended = (entry.get("lastState") or {}).get("terminated") or {}
        was = before.get(entry["name"])
        if ended.get("reason") == "OOMKilled" and was is not None and _is_new(was, ended):
            requested = requests_of(old, entry["name"]).get("memory", 0)
            at = parse_rfc3339(ended["finishedAt"])
            yield Kill(meta["namespace"], meta["name"], entry["name"], at, requested)


def _is_new(was: Object, ended: Object) -> bool:
    """Say whether a container has ended since; its count goes up only when it starts again."""
    before = (was.get("lastState") or {}).get("terminated") or {}
    return bool(before.get("finishedAt") != ended.get("finishedAt"))
