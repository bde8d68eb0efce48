"""What a change is judged by: the cluster around it, and how careful to be."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.quantities import parse_quantity
from kubelab.rightsizing.change import Change, resource_list


@dataclass(frozen=True, slots=True)
class Rails:
    """How careful to be.

    Attributes
    ----------
    min_change : float
        Changes by less than this share are not worth a restart (CAST AI's default: a tenth).
    cooldown : timedelta
        How long a container is left alone after a change.
    least_history : timedelta
        Nothing is lowered on evidence of a shorter time.
    most_age : timedelta
        Nothing is lowered on evidence that ends longer ago.
    """

    min_change: float = 0.1
    cooldown: timedelta = timedelta(hours=1)
    least_history: timedelta = timedelta(hours=1)
    most_age: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a change is judged by.

    Attributes
    ----------
    pods, nodes, quotas : sequence of dict
        Objects of the cluster.
    autoscalers, vertical_autoscalers : sequence of dict
        HorizontalPodAutoscalers and VerticalPodAutoscalers.
    targets : mapping
        The objects that changes are written to, by kind, namespace and name.
    in_place : bool
        Whether running pods are resized, rather than replaced by their workload.
    """

    now: datetime
    pods: Sequence[Object] = ()
    nodes: Sequence[Object] = ()
    autoscalers: Sequence[Object] = ()
    quotas: Sequence[Object] = ()
    targets: Mapping[tuple[str, str, str], Object] = field(default_factory=dict)
    in_place: bool = False
    vertical_autoscalers: Sequence[Object] = ()

    def pods_of(self, change: Change) -> list[Object]:
        """Return the pods that a change is for."""
        key, names = change.group.key, set(change.group.pods)
        return [
            pod
            for pod in self.pods
            if pod["metadata"]["namespace"] == key.namespace and pod["metadata"]["name"] in names
        ]

    def after(self, change: Change) -> Surroundings:
        """Return what is there once a change is made too, for the next one to be judged by.

        What it frees does not count: it is not free yet when the next one is made.
        """
        if change.held:
            return self
        grown = {id(pod) for pod in self.pods_of(change)}
        pods = [_grown(pod, change) if id(pod) in grown else pod for pod in self.pods]
        return replace(self, pods=pods, quotas=[_used(quota, change) for quota in self.quotas])


def _grown(pod: Object, change: Change) -> Object:
    larger = {
        name: max(amount, change.group.requests.get(name, 0.0)) for name, amount in change.requests.items()
    }
    pod = copy.deepcopy(pod)
    for container in pod["spec"]["containers"]:
        if container["name"] == change.group.key.container:
            resources = container.setdefault("resources", {})
            resources["requests"] = {**(resources.get("requests") or {}), **resource_list(larger)}
    return pod


def _used(quota: Object, change: Change) -> Object:
    status = quota.get("status") or {}
    if quota["metadata"]["namespace"] != change.group.key.namespace:
        return quota
    used = dict(status.get("used") or {})
    for name, more in change.growth().items():
        if name in used and more > 0:
            used[name] = f"{float(parse_quantity(used[name])) + more:.3f}"
    return {**quota, "status": {**status, "used": used}}
