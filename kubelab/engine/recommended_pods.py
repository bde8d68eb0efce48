"""Admission of pods that a VerticalPodAutoscaler is in charge of: they begin with what is recommended.

Upstream: the webhook of ``pkg/admission-controller`` (VPA 1.7), which comes after LimitRanger. Here the
embedded API server does the same in its own admission, and upstream's asks the daemon.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from kubelab.client import NODES, Object, Resource
from kubelab.clock import Clock
from kubelab.engine.scoped_recommendations import ScopedRecommendations
from kubelab.rightsizing.application import (
    Amounts,
    ContainerLimits,
    recommended_for,
    resources_for,
    update_mode,
)
from kubelab.rightsizing.controlling import in_charge, workload_of
from kubelab.rightsizing.policies import ContainerPolicy
from kubelab.rightsizing.priority import OBSERVED_CONTAINERS
from kubelab.rightsizing.scopes import PREDICTED, Selected
from kubelab.scheduling.selectors import target_node

_UPDATES = "vpaUpdates"


class Beside(Protocol):
    """What there is beside a new pod."""

    def autoscalers(self, namespace: str) -> Iterable[Object]:
        """Return the VerticalPodAutoscalers of a namespace."""
        ...

    def limit_ranges(self, namespace: str) -> Iterable[Object]:
        """Return the LimitRanges of a namespace."""
        ...

    def nodes(self) -> Iterable[Object]:
        """Return all Nodes."""
        ...

    def lookup(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return an object, or None."""
        ...


class RecommendedPods:
    """Gives new pods what is recommended for them."""

    def __init__(self, beside: Beside, clock: Clock) -> None:
        self._beside = beside
        self._scoped = ScopedRecommendations(beside.nodes, clock)

    def apply(self, pod: Object) -> bool:
        """Change a new pod, in place; False if no autoscaler is in charge of it."""
        found = list(self._beside.autoscalers(pod["metadata"]["namespace"]))
        autoscaler = in_charge(workload_of(pod, self._beside.lookup), found) if found else None
        if autoscaler is None:
            return False
        containers = pod["spec"]["containers"]
        notes = {OBSERVED_CONTAINERS: ", ".join(each["name"] for each in containers)}
        if update_mode(autoscaler) != "Off":
            name = target_node(pod)
            node = self._beside.lookup(NODES, "", name) if name else None
            selected = self._scoped.on(autoscaler, name, node)
            if updates := self._update(pod, autoscaler, selected):
                by = autoscaler["metadata"]["name"]
                notes[_UPDATES] = f"Pod resources updated by {by}: {'; '.join(updates)}"
                notes |= {PREDICTED: selected.why} if selected.why else {}
        pod["metadata"]["annotations"] = {**(pod["metadata"].get("annotations") or {}), **notes}
        return True

    def _update(self, pod: Object, autoscaler: Object, selected: Selected) -> list[str]:
        limits = ContainerLimits.of(self._beside.limit_ranges(pod["metadata"]["namespace"]))
        found = recommended_for(autoscaler, pod, selected.containers, limits)
        told = []
        for index, container in enumerate(pod["spec"]["containers"]):
            if container["name"] not in found:
                continue
            policy = ContainerPolicy.of(autoscaler, container["name"])
            target = found[container["name"]].target
            before = container.get("resources") or {}
            container["resources"] = resources_for(container, target, policy, limits)
            told.append(f"container {index}: {', '.join(_changes(before, container['resources'], target))}")
        return told


def _changes(before: Object, after: Object, target: Amounts) -> Iterator[str]:
    for part, word in (("requests", "request"), ("limits", "limit")):
        for name, amount in sorted((after.get(part) or {}).items()):
            if (part == "requests" and name in target) or (before.get(part) or {}).get(name) != amount:
                yield f"{name} {word}"
