"""Conditions as Katib keeps them: the one that changed last is the last of the list.

Upstream: katib v0.19.0, ``setCondition`` in ``pkg/apis/controller/*/v1beta1/util.go``. Clients read the last
entry as the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.conditions import find, is_true, without_condition

__all__ = ["end", "find", "is_true", "mark", "without_condition"]


def mark(
    listed: Iterable[Object] | None,
    type_: str,
    reason: str,
    message: str,
    now: datetime,
    *,
    status: str = "True",
) -> list[Object]:
    """Return the conditions with one set, as the last; unchanged where status and reason are the same."""
    conditions = list(listed or ())
    current = find(conditions, type_)
    if current and current["status"] == status and current.get("reason") == reason:
        return conditions
    since = rfc3339(now)
    if current and current["status"] == status:
        since = current.get("lastTransitionTime") or since
    condition = {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": rfc3339(now),
        "lastTransitionTime": since,
    }
    return [*without_condition(conditions, type_), condition]


def end(listed: Sequence[Object], type_: str, reason: str, message: str, now: datetime) -> list[Object]:
    """Return the conditions with one that is final: Running becomes False and keeps its reason."""
    running = find(listed, "Running")
    if running is not None:
        kept = running.get("reason", ""), running.get("message", "")
        listed = mark(listed, "Running", *kept, now, status="False")
    return mark(listed, type_, reason, message, now)
