"""Which VerticalPodAutoscaler is in charge of a pod. Pure.

After upstream's ``pkg/utils/vpa/api.go`` and ``pkg/target/controller_fetcher`` of VPA 1.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kubelab.client import JOBS, REPLICA_SETS, Object, Resource

_ABOVE: dict[str, tuple[Resource, str]] = {
    "ReplicaSet": (REPLICA_SETS, "Deployment"),
    "Job": (JOBS, "CronJob"),
}
"""Kinds that others control, and who may."""

Lookup = Callable[[Resource, str, str], Object | None]
"""Returns an object of a resource by its namespace and name."""


@dataclass(frozen=True, slots=True, order=True)
class Workload:
    """What controls pods, the topmost that is a workload."""

    namespace: str
    kind: str
    name: str


def workload_of(pod: Object, lookup: Lookup) -> Workload | None:
    """Return what a user made to have the pod; None for a bare pod."""
    namespace, owner = pod["metadata"].get("namespace", ""), _controller(pod)
    return None if owner is None else _topmost(namespace, owner, lookup)


def above(workload: Workload, lookup: Lookup) -> Workload | None:
    """Return what controls a workload, None if it is the topmost."""
    found = _topmost(workload.namespace, {"kind": workload.kind, "name": workload.name}, lookup)
    return None if found == workload else found


def target_of(autoscaler: Object) -> Workload:
    """Return what an autoscaler points at."""
    reference = autoscaler["spec"]["targetRef"]
    return Workload(autoscaler["metadata"]["namespace"], reference["kind"], reference["name"])


def in_charge(workload: Workload | None, autoscalers: Iterable[Object]) -> Object | None:
    """Return the autoscaler that came first of those that point at a workload."""
    found = [each for each in autoscalers if workload is not None and target_of(each) == workload]
    return min(found, key=_age, default=None)


def _age(autoscaler: Object) -> tuple[str, str]:
    meta = autoscaler["metadata"]
    return meta.get("creationTimestamp") or "", meta["name"]


def _topmost(namespace: str, owner: Object, lookup: Lookup) -> Workload:
    if owner["kind"] in _ABOVE:
        resource, above_it = _ABOVE[owner["kind"]]
        found = lookup(resource, namespace, owner["name"])
        controller = _controller(found) if found else None
        if controller is not None and controller["kind"] == above_it:
            return Workload(namespace, above_it, controller["name"])
    return Workload(namespace, owner["kind"], owner["name"])


def _controller(obj: Object) -> Object | None:
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((each for each in owners if each.get("controller")), None)
