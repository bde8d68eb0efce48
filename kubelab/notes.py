"""`Note`: what is to be said about an object, and the Event that says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1
from typing import Literal

from kubelab.client import Object
from kubelab.clock import rfc3339

EventType = Literal["Normal", "Warning"]


@dataclass(frozen=True, slots=True)
class Note:
    """What to say about an object: an Event's type, reason and message."""

    type: EventType
    reason: str
    message: str


def event_of(about: Object, note: Note, *, component: str, now: datetime) -> Object:
    """Return a ``v1`` Event; the same note on the same object gets the same name."""
    meta = about["metadata"]
    digest = sha1(
        "\0".join((component, meta.get("uid", ""), note.type, note.reason, note.message)).encode(),
        usedforsecurity=False,
    ).hexdigest()[:16]
    namespace = meta.get("namespace") or "default"
    time = rfc3339(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{meta['name'][:230]}.{digest}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": about.get("apiVersion", ""),
            "kind": about.get("kind", ""),
            "name": meta["name"],
            **({"namespace": meta["namespace"]} if meta.get("namespace") else {}),
            "uid": meta.get("uid", ""),
            "resourceVersion": meta.get("resourceVersion", ""),
        },
        "type": note.type,
        "reason": note.reason,
        "message": note.message[:1024],
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }
