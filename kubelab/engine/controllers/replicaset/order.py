"""Which pods go first when there are too many.

Upstream: ``ActivePodsWithRanks`` of ``pkg/controller/controller_utils.go``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    standings = [_Standing.of(pod, crowd) for pod in pods]
    standings.sort(key=cmp_to_key(lambda one, other: one.compare(other, now)))
    return [each.pod for each in standings]


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is compared of a pod, read once."""

    pod: Object
    rank: tuple[int, ...]
    ready_since: datetime | None
    ready: bool
    restarts: tuple[int, int]
    created: datetime

    @staticmethod
    def of(pod: Object, crowd: Counter[str]) -> _Standing:
        node, ready = node_of(pod), is_ready(pod)
        rank = (bool(node), _PHASES.get(phase_of(pod), 0), ready, _cost(pod), -crowd[node])
        return _Standing(pod, rank, ready_since(pod), ready, _restarts(pod), created_at(pod))

    def compare(self, other: _Standing, now: datetime) -> int:
        if self.rank != other.rank:
            return -1 if self.rank < other.rank else 1
        if self.ready and self.ready_since != other.ready_since:
            return self._younger(other, self.ready_since, other.ready_since, now)
        if self.restarts != other.restarts:
            return -1 if self.restarts > other.restarts else 1
        if self.created != other.created:
            return self._younger(other, self.created, other.created, now)
        return 0

    def _younger(self, other: _Standing, since: datetime | None, than: datetime | None, now: datetime) -> int:
        if since is None or than is None:
            return -1 if since is None else 1
        difference = _magnitude(since, now) - _magnitude(than, now)
        if difference == 0:
            return -1 if self.pod["metadata"]["uid"] < other.pod["metadata"]["uid"] else 1
        return difference


def _cost(pod: Object) -> int:
    text = (pod["metadata"].get("annotations") or {}).get(DELETION_COST, "0")
    try:
        return int(text)
    except ValueError:
        return 0


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
