"""Admission by ResourceQuota: counted from the store itself, so that two creations cannot both pass.

Upstream charges ``status.used`` and retries on conflicts. Here nothing is awaited between the count and
the write, and the count includes the writes that are on their way to the disk. ``status.used`` is for
readers; the quota controller keeps it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime

from kubelab.client import PODS, RESOURCE_QUOTAS, Object, Resource
from kubelab.clock import Clock
from kubelab.engine.apiserver.collection import Collection, Key, Stored
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.status import forbidden
from kubelab.engine.apiserver.store import Store
from kubelab.engine.quotas.amounts import Amounts, add, only, subtract
from kubelab.engine.quotas.decision import exceeded, missing
from kubelab.engine.quotas.scopes import in_scope, is_terminating
from kubelab.engine.quotas.usage import is_charged, limited, usage

_CHANGES = 4096
_CHARGED_ON_UPDATE = frozenset({"Pod", "Service", "PersistentVolumeClaim"})


class QuotaAdmission:
    """Refuses what a namespace's quotas have no room for."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self._quotas = store.collection(RESOURCE_QUOTAS)
        self._tallies: dict[tuple[str, str, str], _Tally] = {}

    def create(self, kind: Kind, obj: Object) -> None:
        """Check a new object.

        Raises
        ------
        ApiError
            403 if a quota is exceeded, or asks for requests or limits that a pod leaves out.
        """
        if (self._quotas.objects or self._quotas.pending) and kind.resource.namespaced:
            self._check(kind, obj, None)

    def update(self, kind: Kind, new: Object, old: Object, subresource: str) -> None:
        """Check what an update adds."""
        if not (self._quotas.objects or self._quotas.pending) or kind.resource.kind not in _CHARGED_ON_UPDATE:
            return
        if kind.resource.kind == "Pod" and subresource != "resize":
            if subresource or is_terminating(new) == is_terminating(old):
                return
        elif subresource == "status":
            return
        self._check(kind, new, old)

    def _check(self, kind: Kind, new: Object, old: Object | None) -> None:
        namespace, name = new["metadata"].get("namespace", ""), new["metadata"]["name"]
        now = self.clock.now()
        for key, stored in _latest_in(self._quotas, namespace):
            spec = stored.object().get("spec") or {}
            hard = spec.get("hard") or {}
            names = limited(kind.storage, hard)
            if not names or not in_scope(kind.storage, new, spec):
                continue
            lacking = missing(new, names) if kind.resource == PODS else ""
            if lacking:
                raise forbidden(kind.resource, name, f"failed quota: {key[1]}: {lacking}")
            added = only(usage(kind.storage, new, now), names)
            if old is not None and in_scope(kind.storage, old, spec):
                added = subtract(added, only(usage(kind.storage, old, now), names))
            if not any(amount > 0 for amount in added.values()):
                continue
            used = self._tally(kind, key, stored, spec).used(self.clock)
            problem = exceeded(key[1], hard, used, added)
            if problem:
                raise forbidden(kind.resource, name, problem)

    def _tally(self, kind: Kind, quota: Key, stored: Stored, spec: Object) -> _Tally:
        """Return the running count of a kind's objects against one quota; anew when its spec changes."""
        collection = self.store.collection(kind.storage)
        tally = self._tallies.get((*quota, collection.name))
        if tally is None or (tally.quota is not stored and tally.spec != spec):
            tally = self._tallies[*quota, collection.name] = _Tally(collection, kind.storage, quota[0], spec)
        tally.quota = stored
        return tally


class _Tally:
    """What the objects of one kind in one namespace use, kept by the changes since it was last asked."""

    def __init__(self, collection: Collection, resource: Resource, namespace: str, spec: Object) -> None:
        self.quota: Stored | None = None
        self.spec = spec
        self._collection = collection
        self._resource = resource
        self._namespace = namespace
        self._names = limited(resource, spec.get("hard") or {})
        self._position = -1
        self._counted: dict[Key, tuple[int, Amounts]] = {}
        self._total: Amounts = {}
        self._pending: set[Key] = set()
        self._leaving: set[Key] = set()

    def used(self, clock: Clock) -> Amounts:
        """Return the sum over committed objects and those being written."""
        now = clock.now()
        pending = {key for key in self._collection.pending if key[0] == self._namespace}
        for key in self._changed() | pending | self._pending:
            self._count(key, now)
        self._pending = pending
        self._count_overdue(now)
        return self._total

    def _changed(self) -> set[Key]:
        """Return what was committed since the last time; everything, where that is forgotten."""
        found: set[Key] = set()
        position = self._position
        changes = None if position < 0 else self._collection.changes(position, _CHANGES)
        while changes:
            found.update(change.key for change in changes if change.key[0] == self._namespace)
            position += len(changes)
            changes = self._collection.changes(position, _CHANGES)
        self._position = self._collection.end
        if changes is None:
            return {*self._counted, *_keys_in(self._collection, self._namespace)}
        return found

    def _count(self, key: Key, now: datetime) -> None:
        """Count one object as it is or is about to be."""
        stored = self._collection.latest(key)
        version, before = self._counted.get(key, (0, {}))
        if stored is not None and stored.version == version:
            return
        self._counted.pop(key, None)
        self._leaving.discard(key)
        amounts: Amounts = {}
        if stored is not None:
            obj = stored.object()
            if in_scope(self._resource, obj, self.spec):
                amounts = only(usage(self._resource, obj, now), self._names)
            self._counted[key] = stored.version, amounts
            if self._resource == PODS and "deletionTimestamp" in obj["metadata"]:
                self._leaving.add(key)
        self._total = add(subtract(self._total, before), amounts)

    def _count_overdue(self, now: datetime) -> None:
        """Count pods again that have outlived their grace: no change tells of that."""
        for key in list(self._leaving):
            stored = self._collection.latest(key)
            if stored is not None and not is_charged(stored.object(), now):
                _, before = self._counted[key]
                self._counted[key] = 0, before
                self._count(key, now)
                self._leaving.discard(key)


def _latest_in(collection: Collection, namespace: str) -> Iterator[tuple[Key, Stored]]:
    """Yield a namespace's objects as the next write will find them."""
    keys = {*_keys_in(collection, namespace), *(key for key in collection.pending if key[0] == namespace)}
    for key in sorted(keys):
        stored = collection.latest(key)
        if stored is not None:
            yield key, stored


def _keys_in(collection: Collection, namespace: str) -> list[Key]:
    keys = collection.keys()
    return keys[bisect_left(keys, (namespace, "")) : bisect_left(keys, (namespace + "\0", ""))]
