"""What every workload asks of a pod, and the pod that it makes from a template."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import datetime, timedelta

from kubelab.client import Object, Resource
from kubelab.clock import parse_rfc3339
from kubelab.engine.controllers.conditions import find
from kubelab.engine.controllers.owners import owner_reference

_ENDED = frozenset({"Succeeded", "Failed"})
BY_NODE = "node"
"""The name of the index that `by_node` gives the values of."""


def phase_of(pod: Object) -> str:
    """Return the pod's phase; a new pod is pending."""
    return str((pod.get("status") or {}).get("phase") or "Pending")


def is_deleting(pod: Object) -> bool:
    """Say whether the pod is being deleted."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_active(pod: Object) -> bool:
    """Say whether the pod runs or will run, and is not told to stop (``IsPodActive``)."""
    return not is_deleting(pod) and phase_of(pod) not in _ENDED


def is_terminating(pod: Object) -> bool:
    """Say whether the pod still runs but was told to stop (``IsPodTerminating``)."""
    return is_deleting(pod) and phase_of(pod) not in _ENDED


def node_of(pod: Object) -> str:
    """Return the node that the pod is bound to, or nothing."""
    return str(pod["spec"].get("nodeName") or "")


def by_node(pod: Object) -> tuple[str, ...]:
    """Return the node that the pod is bound to, as the values of an index."""
    name = node_of(pod)
    return (name,) if name else ()


def labels_of(obj: Object) -> dict[str, str]:
    """Return an object's labels."""
    return obj["metadata"].get("labels") or {}


def created_at(obj: Object) -> datetime:
    """Return when an object was created."""
    return parse_rfc3339(obj["metadata"]["creationTimestamp"])


def ready_condition(pod: Object) -> Object | None:
    """Return the pod's ``Ready`` condition if it is True."""
    condition = find((pod.get("status") or {}).get("conditions"), "Ready")
    return condition if condition and condition["status"] == "True" else None


def is_ready(pod: Object) -> bool:
    """Say whether the pod is ready."""
    return ready_condition(pod) is not None


def ready_since(pod: Object) -> datetime | None:
    """Return since when the pod is ready, if it says so."""
    since = (ready_condition(pod) or {}).get("lastTransitionTime")
    return parse_rfc3339(since) if since else None


def is_available(pod: Object, min_ready_s: int, now: datetime) -> bool:
    """Say whether the pod has been ready for at least ``min_ready_s`` seconds (``IsPodAvailable``)."""
    if min_ready_s == 0 or not is_ready(pod):
        return is_ready(pod)
    since = ready_since(pod)
    return since is not None and since + timedelta(seconds=min_ready_s) <= now


def next_available_s(pods: Iterable[Object], min_ready_s: int, now: datetime) -> float | None:
    """Return the seconds until the next ready pod becomes available, or None if none waits for it."""
    if min_ready_s == 0:
        return None
    waits = [
        (since + timedelta(seconds=min_ready_s) - now).total_seconds()
        for pod in pods
        if (since := ready_since(pod)) is not None
    ]
    return min((wait for wait in waits if wait > 0), default=None)


def pod_from_template(owner: Object, resource: Resource, template: Object) -> Object:
    """Return a pod of a template that ``owner`` controls (``GetPodFromTemplate``)."""
    meta, given = owner["metadata"], template.get("metadata") or {}
    kept = {
        key: copy.deepcopy(given[key]) for key in ("labels", "annotations", "finalizers") if given.get(key)
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            **kept,
            "ownerReferences": [owner_reference(owner, resource)],
        },
        "spec": copy.deepcopy(template["spec"]),
    }
