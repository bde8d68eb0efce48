"""What the informers say, carried into the cache and the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from kubelab.client import (
    BUDGETS,
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    SERVICES,
    STORAGE_CLASSES,
    Object,
    Resource,
)
from kubelab.engine.scheduler.hints import Change, Kind, may_help
from kubelab.engine.scheduler.queue import SchedulingQueue
from kubelab.informer import Informers, key_of
from kubelab.scheduling.cache import Cache, is_finished
from kubelab.scheduling.selectors import Selector
from kubelab.scheduling.shapes import resized
from kubelab.scheduling.snapshot import Key, PodInfo, Snapshot

SCHEDULER_NAME = "default-scheduler"


def is_ours(pod: Object) -> bool:
    """Say whether this scheduler is to place the pod."""
    return (pod["spec"].get("schedulerName") or SCHEDULER_NAME) == SCHEDULER_NAME


def is_gated(pod: Object) -> bool:
    """Say whether this scheduler is to place the pod, but scheduling gates hold it back."""
    return bool(pod["spec"].get("schedulingGates")) and is_ours(pod)


class Feed:
    """Subscribes to everything that scheduling looks at.

    Parameters
    ----------
    cache : Cache
    queue : SchedulingQueue
    gated : callable
        Told of every pod that its scheduling gates hold back.
    """

    def __init__(self, cache: Cache, queue: SchedulingQueue, gated: Callable[[Object], None]) -> None:
        self.cache = cache
        self.queue = queue
        self.gated = gated
        self._claims_changed = asyncio.Event()

    def subscribe(self, informers: Informers) -> None:
        """Begin to listen."""
        informers.of(NODES).subscribe(self.on_node)
        informers.of(PODS).subscribe(self.on_pod)
        informers.of(SERVICES).subscribe(self.on_service)
        informers.of(NAMESPACES).subscribe(self.on_namespace)
        informers.of(BUDGETS)
        for resource, known in (
            (PERSISTENT_VOLUME_CLAIMS, self.cache.claims),
            (PERSISTENT_VOLUMES, self.cache.volumes),
            (STORAGE_CLASSES, self.cache.classes),
        ):
            informers.of(resource).subscribe(partial(self._on_storage, resource, known))

    async def claims(self, ready: Callable[[Snapshot], bool]) -> None:
        """Return once ``ready`` says so of the claims."""
        while not ready(self.cache.snapshot()):
            self._claims_changed.clear()
            await self._claims_changed.wait()

    def on_node(self, old: Object | None, new: Object | None) -> None:
        """Take in a node."""
        name = ((new or old) or {})["metadata"]["name"]
        if self.cache.set_node(name, new):
            self._changed(Change(Kind.NODE, self.cache.nodes.get(name)))

    def on_pod(self, old: Object | None, new: Object | None) -> None:
        """Take in a pod: placed, waiting, or gone."""
        if new is None or is_finished(new):
            self._gone(((new or old) or {})["metadata"]["uid"])
        elif new["spec"].get("nodeName"):
            self._placed(old, new)
        elif is_ours(new):
            self._waiting(old, new)

    def on_service(self, old: Object | None, new: Object | None) -> None:
        """Take in what a Service selects."""
        namespace, name = key_of((new or old) or {})
        selector = (new["spec"].get("selector") if new else None) or {}
        self.cache.set_service(namespace, name, Selector.equal(selector) if selector else None)

    def on_namespace(self, old: Object | None, new: Object | None) -> None:
        """Take in a namespace's labels."""
        name = ((new or old) or {})["metadata"]["name"]
        self.cache.namespaces[name] = (new["metadata"].get("labels") or {}) if new else {}

    def _gone(self, uid: str) -> None:
        node = self.cache.node_of(uid)
        self.cache.remove(uid)
        self.queue.remove(uid)
        if node:
            for pod in self.cache.nominated_on(node):
                self.queue.activate(pod.uid)
            self._changed(Change(Kind.POD_GONE, self.cache.nodes.get(node)))

    def _placed(self, old: Object | None, new: Object) -> None:
        uid, node = new["metadata"]["uid"], new["spec"]["nodeName"]
        self.queue.remove(uid)
        if self.cache.confirm(uid, node):
            self._changed(Change(Kind.POD_PLACED))
        elif old is None or self.cache.node_of(uid) != node or _differs(old, new):
            pod = self.cache.info_of(new)
            self.cache.nominate(pod, "")
            self.cache.place(pod, node)
            self._changed(Change(Kind.POD_PLACED))
            if old is not None and (resized(old) or resized(new)):
                self._changed(Change(Kind.NODE, self.cache.nodes.get(node)))

    def _waiting(self, old: Object | None, new: Object) -> None:
        uid = new["metadata"]["uid"]
        if self.cache.is_assumed(uid):
            return
        if "deletionTimestamp" in new["metadata"]:
            self._gone(uid)
            return
        if new["spec"].get("schedulingGates"):
            self.queue.remove(uid)
            self.gated(new)
            return
        pod = self.cache.info_of(new)
        before = (old.get("status") or {}).get("nominatedNodeName", "") if old else ""
        if pod.nominated_node != before:
            self.cache.nominate(pod, pod.nominated_node)
        pod = replace(pod, nominated_node=self.cache.nomination(uid))
        if old is None or _differs(old, new):
            self.queue.add(pod)
        else:
            self.queue.refresh(pod)

    def _on_storage(
        self, resource: Resource, known: dict[Key, Object], old: Object | None, new: Object | None
    ) -> None:
        key = key_of((new or old) or {})
        if new is None:
            known.pop(key, None)
        else:
            known[key] = new
        self._claims_changed.set()
        claim = key if resource is PERSISTENT_VOLUME_CLAIMS else None
        self._changed(Change(Kind.STORAGE, claim=claim))

    def _changed(self, change: Change) -> None:
        known: dict[tuple[object, ...], bool] = {}
        for waiting in self.queue.unschedulable():
            pod = waiting.pod
            alike = (pod.shape, pod.priority, waiting.plugins, pod.namespace)
            if alike not in known:
                known[alike] = _worth_it(pod, waiting.plugins, change)
            if known[alike]:
                self.queue.move(waiting)


def _worth_it(pod: PodInfo, plugins: frozenset[str], change: Change) -> bool:
    return not plugins or may_help(pod, plugins, change)


def _differs(old: Object, new: Object) -> bool:
    before, after = old["metadata"], new["metadata"]
    return bool(
        old["spec"] != new["spec"]
        or before.get("labels") != after.get("labels")
        or before.get("deletionTimestamp") != after.get("deletionTimestamp")
        or resized(old) != resized(new)
    )
