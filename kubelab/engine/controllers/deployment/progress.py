"""A Deployment's status: its counts, and whether it is available and progresses.

Upstream: ``progress.go`` and ``calculateStatus`` of ``pkg/controller/deployment``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import parse_rfc3339, rfc3339
from kubelab.engine.controllers.conditions import find, without_condition
from kubelab.engine.controllers.counts import shown
from kubelab.engine.controllers.deployment.replica_sets import counted, fence_posts, replicas_of, wanted

_NO_DEADLINE_S = 2**31 - 1
_COMPLETE, _UPDATED = "NewReplicaSetAvailable", "ReplicaSetUpdated"
TIMED_OUT, PAUSED, RESUMED = "ProgressDeadlineExceeded", "DeploymentPaused", "DeploymentResumed"


def has_deadline(deployment: Object) -> bool:
    """Say whether the Deployment's progress is watched."""
    return deployment["spec"].get("progressDeadlineSeconds") not in (None, _NO_DEADLINE_S)


def with_deployment_condition(
    conditions: list[Object], condition: tuple[str, str, str, str], now: datetime
) -> list[Object]:
    """Return the conditions with one (type, status, reason, message) set.

    It stays as it is if neither its status nor its reason changes, whatever the message.
    """
    type_, status, reason, message = condition
    current = find(conditions, type_)
    if current and current["status"] == status and current.get("reason") == reason:
        return conditions
    since = current["lastTransitionTime"] if current and current["status"] == status else rfc3339(now)
    made = {
        "type": type_,
        "status": status,
        "lastUpdateTime": rfc3339(now),
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    }
    return [*without_condition(conditions, type_), made]


def status_of(
    deployment: Object, replica_sets: Sequence[Object], new: Object | None, now: datetime
) -> Object:
    """Return the counts, and whether the Deployment is available."""
    before, total = deployment.get("status") or {}, replicas_of(deployment)
    available = counted(replica_sets, "availableReplicas")
    status: Object = {
        **shown(
            observedGeneration=deployment["metadata"].get("generation"),
            replicas=counted(replica_sets, "replicas"),
            updatedReplicas=counted([new], "replicas") if new else 0,
            readyReplicas=counted(replica_sets, "readyReplicas"),
            availableReplicas=available,
            unavailableReplicas=max(0, wanted(replica_sets) - available),
        ),
        "terminatingReplicas": counted(replica_sets, "terminatingReplicas"),
    }
    if before.get("collisionCount") is not None:
        status["collisionCount"] = before["collisionCount"]
    enough = available >= total - fence_posts(deployment)[1]
    condition = (
        ("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        if enough
        else (
            "Available",
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    )
    status["conditions"] = with_deployment_condition(before.get("conditions") or [], condition, now)
    return status


def rollout_status_of(
    deployment: Object, replica_sets: Sequence[Object], new: Object | None, now: datetime
) -> Object:
    """Return the status during a rollout: also whether it progresses, is complete or took too long."""
    status = status_of(deployment, replica_sets, new, now)
    conditions = status["conditions"]
    if has_deadline(deployment):
        conditions = _with_progress(deployment, status, new, now)
    else:
        conditions = without_condition(conditions, "Progressing")
    failures = _failures([new] if new else []) or _failures(replica_sets)
    if failures:
        for failure in failures:
            held = find(conditions, "ReplicaFailure")
            if held is None or (held["status"], held.get("reason")) != (failure["status"], failure["reason"]):
                conditions = [*without_condition(conditions, "ReplicaFailure"), failure]
    else:
        conditions = without_condition(conditions, "ReplicaFailure")
    return {**status, "conditions": conditions}


def _with_progress(deployment: Object, status: Object, new: Object | None, now: datetime) -> list[Object]:
    conditions: list[Object] = status["conditions"]
    current = find(conditions, "Progressing")
    done = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if done and current and current.get("reason") == _COMPLETE:
        return conditions
    what = (
        f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{deployment["metadata"]["name"]}"'
    )
    if is_complete(deployment, status):
        message = f"{what} has successfully progressed."
        return with_deployment_condition(conditions, ("Progressing", "True", _COMPLETE, message), now)
    if _progresses(deployment.get("status") or {}, status):
        message = f"{what} is progressing."
        progressing = ("Progressing", "True", _UPDATED, message)
        if current is None:
            return with_deployment_condition(conditions, progressing, now)
        # The time of the last progress is renewed, whatever the reason was.
        (renewed,) = with_deployment_condition([{**current, "reason": ""}], progressing, now)
        return [*without_condition(conditions, "Progressing"), renewed]
    if _timed_out(deployment, current, now):
        message = f"{what} has timed out progressing."
        return with_deployment_condition(conditions, ("Progressing", "False", TIMED_OUT, message), now)
    return conditions


def is_complete(deployment: Object, status: Object) -> bool:
    """Say whether every replica is of the new template and available, and no other is left."""
    total = replicas_of(deployment)
    fields = ("updatedReplicas", "replicas", "availableReplicas")
    observed = int(status.get("observedGeneration") or 0)
    return all(int(status.get(field) or 0) == total for field in fields) and observed >= int(
        deployment["metadata"].get("generation") or 0
    )


def next_check_s(deployment: Object, status: Object, now: datetime) -> float | None:
    """Return in how many seconds the deadline should be looked at, or None."""
    current = find(status.get("conditions"), "Progressing")
    if not has_deadline(deployment) or current is None or deployment["spec"].get("paused"):
        return None
    if is_complete(deployment, status) or current.get("reason") == TIMED_OUT:
        return None
    # A second more: time stamps have no fractions.
    return max(0.0, (_deadline(deployment, current) - now).total_seconds()) + 1.0


def _progresses(before: Object, status: Object) -> bool:
    def old_replicas(counts: Object) -> int:
        return int(counts.get("replicas") or 0) - int(counts.get("updatedReplicas") or 0)

    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old_replicas(status) < old_replicas(before) or any(
        int(status.get(field) or 0) > int(before.get(field) or 0) for field in grown
    )


def _timed_out(deployment: Object, current: Object | None, now: datetime) -> bool:
    if current is None or current.get("reason") == _COMPLETE:
        return False
    return current.get("reason") == TIMED_OUT or _deadline(deployment, current) < now


def _deadline(deployment: Object, current: Object) -> datetime:
    seconds = int(deployment["spec"]["progressDeadlineSeconds"])
    return parse_rfc3339(current["lastUpdateTime"]) + timedelta(seconds=seconds)


def _failures(replica_sets: Sequence[Object]) -> list[Object]:
    return [
        {**condition, "lastUpdateTime": condition["lastTransitionTime"]}
        for each in replica_sets
        for condition in (each.get("status") or {}).get("conditions") or ()
        if condition["type"] == "ReplicaFailure"
    ]
