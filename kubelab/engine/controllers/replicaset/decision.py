"""What a ReplicaSet needs next: how many pods to create, which to delete, and its status.

Upstream: ``pkg/controller/replicaset`` of Kubernetes 1.37.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.conditions import find, without_condition
from kubelab.engine.controllers.counts import shown
from kubelab.engine.controllers.pods import (
    is_active,
    is_available,
    is_ready,
    is_terminating,
    labels_of,
    next_available_s,
)
from kubelab.engine.controllers.replicaset.order import in_deletion_order

REPLICA_FAILURE = "ReplicaFailure"


@dataclass(frozen=True, slots=True)
class ReplicaSetDecision:
    """How many pods to create or which to delete, and in how many seconds to look again."""

    create: int
    delete: tuple[Object, ...]
    again_after_s: float | None


def decide(
    replica_set: Object, pods: Sequence[Object], related: Iterable[Object], now: datetime
) -> ReplicaSetDecision:
    """Compare the pods of a ReplicaSet with what it wants.

    Parameters
    ----------
    pods : sequence of pods
        Its own pods, also those that ended.
    related : iterable of pods
        Pods of all ReplicaSets of the same controller, which rank nodes for deletion.
    """
    spec = replica_set["spec"]
    active = [pod for pod in pods if is_active(pod)]
    missing = int(spec["replicas"]) - len(active)
    again_after_s = next_available_s(active, int(spec.get("minReadySeconds") or 0), now)
    if replica_set["metadata"].get("deletionTimestamp") or missing == 0:
        return ReplicaSetDecision(0, (), again_after_s)
    if missing > 0:
        return ReplicaSetDecision(missing, (), again_after_s)
    ordered = in_deletion_order(active, related, now) if -missing < len(active) else active
    return ReplicaSetDecision(0, tuple(ordered[:-missing]), again_after_s)


def status_of(replica_set: Object, pods: Sequence[Object], failure: str, now: datetime) -> Object:
    """Return the status of a ReplicaSet with these pods.

    Parameters
    ----------
    failure : str
        Why pods could not be created or deleted; empty if they could.
    """
    meta, spec, before = replica_set["metadata"], replica_set["spec"], replica_set.get("status") or {}
    wanted_labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    min_ready_s = int(spec.get("minReadySeconds") or 0)
    active = [pod for pod in pods if is_active(pod)]
    ready = [pod for pod in active if is_ready(pod)]
    status: Object = {
        "replicas": len(active),
        **shown(
            fullyLabeledReplicas=sum(wanted_labels.items() <= labels_of(pod).items() for pod in active),
            readyReplicas=len(ready),
            availableReplicas=sum(is_available(pod, min_ready_s, now) for pod in ready)
            if min_ready_s
            else len(ready),
            observedGeneration=meta.get("generation"),
        ),
        "terminatingReplicas": sum(is_terminating(pod) for pod in pods),
    }
    conditions = _conditions(before, failure, int(spec["replicas"]) - len(active), now)
    if conditions:
        status["conditions"] = conditions
    return status


def _conditions(before: Object, failure: str, missing: int, now: datetime) -> list[Object]:
    conditions: list[Object] = before.get("conditions") or []
    if not failure:
        return without_condition(conditions, REPLICA_FAILURE)
    if find(conditions, REPLICA_FAILURE) is not None:
        return conditions
    failed = {
        "type": REPLICA_FAILURE,
        "status": "True",
        "lastTransitionTime": rfc3339(now),
        "reason": "FailedCreate" if missing > 0 else "FailedDelete",
        "message": failure,
    }
    return [*conditions, failed]
