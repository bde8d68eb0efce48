"""When a provider takes spot nodes back: a draw from each node's uid, so that a restart draws the same."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime, timedelta

from kubelab.autoscaling.node_group import INTERRUPT, NodeGroup
from kubelab.client import Object
from kubelab.clock import parse_rfc3339

NOTICE = timedelta(minutes=2)
"""How long before it is taken back a spot node is told: EC2's notice."""

INTERRUPTED = "autoscaling.kubelab.dev/interrupted"
"""The taint of a node that is about to be taken back; its value is when, in Unix seconds."""

NEVER = datetime.max.replace(tzinfo=UTC)
_LONGEST_H = 24 * 365.0


def is_told(node: Object) -> bool:
    """Say whether a node knows that it will be taken back."""
    return any(each["key"] == INTERRUPTED for each in node["spec"].get("taints") or ())


def taken_back_at(group: NodeGroup, node: Object) -> datetime:
    """Return when a node is taken back: never for one that is bought on demand.

    How long it lives is exponentially distributed. A node annotated to be interrupted is
    told at once.
    """
    for taint in node["spec"].get("taints") or ():
        if taint["key"] == INTERRUPTED:
            return datetime.fromtimestamp(int(taint.get("value") or 0), UTC)
    if not group.template.spot:
        return NEVER
    meta = node["metadata"]
    created = parse_rfc3339(meta["creationTimestamp"])
    if INTERRUPT in (meta.get("annotations") or {}):
        return created + NOTICE
    if not group.interruptions_per_hour:
        return NEVER
    draw = int.from_bytes(hashlib.blake2b(meta["uid"].encode(), digest_size=8).digest())
    hours = -math.log((draw + 1) / 2**64) / group.interruptions_per_hour
    return created + timedelta(hours=min(hours, _LONGEST_H)) + NOTICE
