"""What the scheduler writes into a pod's status."""

from __future__ import annotations

from kubelab.client import Object

PREEMPTED = "PreemptionByScheduler"
GATED = "SchedulingGated"
GATED_MESSAGE = "Scheduling is blocked due to non-empty scheduling gates"


def not_scheduled(pod: Object, reason: str, message: str, now: str) -> Object | None:
    """Return a status with ``PodScheduled=False``; None if the pod already says so.

    Parameters
    ----------
    pod : dict
        The pod as it is.
    reason, message : str
        Why it has no node.
    now : str
        RFC 3339 time, used if the condition was not False before.
    """
    condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    old = _condition(pod, "PodScheduled")
    if old is not None and {**old, **condition} == old:
        return None
    same = old is not None and old.get("status") == "False"
    condition["lastTransitionTime"] = (old or {}).get("lastTransitionTime", now) if same else now
    return {"conditions": [condition]}


def disruption_target(message: str, now: str) -> Object:
    """Return a status that says the pod is removed for a more important one."""
    return {
        "conditions": [
            {
                "type": "DisruptionTarget",
                "status": "True",
                "reason": PREEMPTED,
                "message": message,
                "lastTransitionTime": now,
            }
        ]
    }


def _condition(pod: Object, kind: str) -> Object | None:
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] == kind:
            return dict(condition)
    return None
