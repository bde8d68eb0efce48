"""Which pods go first when there are too many.

Upstream: ``ActivePodsWithRanks`` of ``pkg/controller/controller_utils.go``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cmp_to_key

from kubelab.client import Object
from kubelab.engine.controllers.pods import created_at, is_active, is_ready, node_of, phase_of, ready_since

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def in_deletion_order(pods: Iterable[Object], related: Iterable[Object], now: datetime) -> list[Object]:
    """Return the pods, those first that are missed least.

    In turn: not bound to a node; pending; not ready; cheaper to delete; more pods of the same kind on its
    node; ready for a shorter time, by powers of two; restarted more often; younger, by powers of two.

    Parameters
    ----------
    related : iterable of pods
        Pods of every ReplicaSet of the same Deployment: where many of them are, one is missed less.
    """
    crowd = Counter(node_of(pod) for pod in related if is_active(pod))

    def compare(one: Object, other: Object) -> int:
        left, right = ((*_settled(pod), _cost(pod), -crowd[node_of(pod)]) for pod in (one, other))
        if left != right:
            return -1 if left < right else 1
        return _by_age(one, other, now)

    return sorted(pods, key=cmp_to_key(compare))


def _settled(pod: Object) -> tuple[int, int, int]:
    return (int(bool(node_of(pod))), _PHASES.get(phase_of(pod), 0), int(is_ready(pod)))


def _cost(pod: Object) -> int:
    text = (pod["metadata"].get("annotations") or {}).get(DELETION_COST, "0")
    try:
        return int(text)
    except ValueError:
        return 0


def _by_age(one: Object, other: Object, now: datetime) -> int:
    if is_ready(one) and ready_since(one) != ready_since(other):
        return _younger(one, other, ready_since(one), ready_since(other), now)
    restarts = _restarts(other), _restarts(one)
    if restarts[0] != restarts[1]:
        return -1 if restarts[0] < restarts[1] else 1
    if created_at(one) != created_at(other):
        return _younger(one, other, created_at(one), created_at(other), now)
    return 0


def _younger(one: Object, other: Object, since: datetime | None, than: datetime | None, now: datetime) -> int:
    if since is None or than is None:
        return -1 if since is None else 1
    difference = _magnitude(since, now) - _magnitude(than, now)
    if difference == 0:
        return -1 if one["metadata"]["uid"] < other["metadata"]["uid"] else 1
    return difference


def _magnitude(since: datetime, now: datetime) -> int:
    nanoseconds = (now - since).total_seconds() * 1e9
    return int(math.log2(nanoseconds)) if nanoseconds > 0 else -1


def _restarts(pod: Object) -> tuple[int, int]:
    status = pod.get("status") or {}
    sidecars = {
        each["name"]
        for each in pod["spec"].get("initContainers") or ()
        if each.get("restartPolicy") == "Always"
    }
    return (
        _most(status.get("containerStatuses") or ()),
        _most([each for each in status.get("initContainerStatuses") or () if each["name"] in sidecars]),
    )


def _most(statuses: Sequence[Object]) -> int:
    return max((int(each.get("restartCount") or 0) for each in statuses), default=0)
