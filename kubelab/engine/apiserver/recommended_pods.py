"""Admission of pods that a VerticalPodAutoscaler is in charge of: they begin with what is recommended.

Upstream: the webhook of ``pkg/admission-controller`` (VPA 1.7), which likewise comes after LimitRanger.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubelab.client import NODES, VERTICAL_POD_AUTOSCALERS, Object, Resource
from kubelab.clock import Clock
from kubelab.engine.apiserver.collection import Key, Stored
from kubelab.engine.apiserver.limits import LimitRanges
from kubelab.engine.apiserver.store import Store
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


class RecommendedPods:
    """The autoscalers in the store, applied to pods that are created beside them."""

    def __init__(self, store: Store, limits: LimitRanges, clock: Clock) -> None:
        self._store = store
        self._limits = limits
        self._autoscalers = store.collection(VERTICAL_POD_AUTOSCALERS)
        self._parsed: dict[Key, tuple[Stored, Object]] = {}
        self._scoped = ScopedRecommendations(self._nodes, clock)

    def apply(self, pod: Object) -> None:
        """Give a new pod, in place, what is recommended for it."""
        found = list(self._in(pod["metadata"]["namespace"]))
        autoscaler = in_charge(workload_of(pod, self._lookup), found) if found else None
        if autoscaler is None:
            return
        containers = pod["spec"]["containers"]
        notes = {OBSERVED_CONTAINERS: ", ".join(each["name"] for each in containers)}
        if update_mode(autoscaler) != "Off":
            node = target_node(pod)
            selected = self._scoped.on(autoscaler, node, self._lookup(NODES, "", node) if node else None)
            if updates := self._update(pod, autoscaler, selected):
                by = autoscaler["metadata"]["name"]
                notes[_UPDATES] = f"Pod resources updated by {by}: {'; '.join(updates)}"
                notes |= {PREDICTED: selected.why} if selected.why else {}
        pod["metadata"]["annotations"] = {**(pod["metadata"].get("annotations") or {}), **notes}

    def _update(self, pod: Object, autoscaler: Object, selected: Selected) -> list[str]:
        limits = ContainerLimits.of(self._limits.of(pod))
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

    def _in(self, namespace: str) -> Iterator[Object]:
        collection = self._autoscalers
        for key in {**collection.objects, **collection.pending}:
            if key[0] != namespace:
                continue
            stored = collection.latest(key)
            if stored is None:
                self._parsed.pop(key, None)
                continue
            known = self._parsed.get(key)
            if known is None or known[0] is not stored:
                known = self._parsed[key] = (stored, stored.object())
            yield known[1]

    def _nodes(self) -> Iterator[Object]:
        collection = self._store.collection(NODES)
        for key in {**collection.objects, **collection.pending}:
            stored = collection.latest(key)
            if stored is not None:
                yield stored.object()

    def _lookup(self, resource: Resource, namespace: str, name: str) -> Object | None:
        stored = self._store.collection(resource).latest((namespace, name))
        return None if stored is None else stored.object()


def _changes(before: Object, after: Object, target: Amounts) -> Iterator[str]:
    for part, word in (("requests", "request"), ("limits", "limit")):
        for name, amount in sorted((after.get(part) or {}).items()):
            if (part == "requests" and name in target) or (before.get(part) or {}).get(name) != amount:
                yield f"{name} {word}"
