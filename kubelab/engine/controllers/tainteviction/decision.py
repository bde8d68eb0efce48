"""When a pod must leave its node. Pure.

The rules are those of upstream's pkg/controller/tainteviction (v1.37), but for where time is counted from:
from when a taint was added, or the pod created if that was later, so that a restart does not begin anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.engine.controllers.nodelifecycle.decision import GRACE, LATE
from kubelab.engine.controllers.pods import created_at
from kubelab.scheduling.selectors import Taint, Toleration


def executed(node: Object) -> dict[Taint, str]:
    """Return a node's ``NoExecute`` taints, and when each was added; empty where it does not say."""
    return {
        Taint(each["key"], each.get("value") or "", each["effect"]): each.get("timeAdded") or ""
        for each in (node.get("spec") or {}).get("taints") or []
        if each.get("effect") == "NoExecute"
    }


def leaves_at(pod: Object, taints: Mapping[Taint, datetime]) -> datetime | None:
    """Return when a pod must leave; None if it may stay for good.

    Parameters
    ----------
    taints : mapping
        The node's ``NoExecute`` taints, and since when it has them.
    """
    moments = [
        max(since, created_at(pod)) + timedelta(seconds=tolerated_s)
        for taint, since in taints.items()
        if (tolerated_s := _tolerated_s(pod, taint)) is not None
    ]
    return min(moments, default=None)


def not_before(due: datetime, earlier: datetime, now: datetime) -> datetime:
    """Return before when nobody shall be evicted, given what was decided earlier.

    Whoever notices much too late that something was due was asleep itself: nodes first have time to speak.
    """
    return now + GRACE if now - max(due, earlier) > LATE else earlier


def _tolerated_s(pod: Object, taint: Taint) -> float | None:
    """Return for how long a pod tolerates a taint; None means for good."""
    for each in pod["spec"].get("tolerations") or []:
        if Toleration.of(each).tolerates(taint):
            seconds = each.get("tolerationSeconds")
            return None if seconds is None else max(float(seconds), 0.0)
    return 0.0
