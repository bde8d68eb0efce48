"""Informer caches that already show what this process wrote.

A cache follows its watch and so lags behind the controller's own writes. A controller that counts pods
in such a cache would create one twice. client-go's controllers keep expectations; here every answered
write is laid over the cache until the watch has caught up, so that a reconciliation reads its own
writes. After a restart the caches are listed anew and hold everything that was acknowledged.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kubelab.client import Object, Resource
from kubelab.informer import Handler, Informer, Informers, Key, key_of

# A write that the watch never shows (created and deleted while it was broken) is dropped after this.
LONGEST_LAG_S = 30.0
_REMEMBERED_DELETIONS = 8192


@dataclass(frozen=True, slots=True)
class _Write:
    uid: str
    object: Object | None
    at_s: float


class View:
    """One collection as this process knows it. Objects are shared: copy before changing one."""

    def __init__(self, informer: Informer) -> None:
        self.informer = informer
        self._ahead: dict[Key, _Write] = {}
        self._deleted: OrderedDict[str, None] = OrderedDict()
        self._values: dict[str, Callable[[Object], Iterable[str]]] = {}
        self._ahead_index: dict[str, defaultdict[str, dict[Key, None]]] = {}
        informer.subscribe(self._seen)

    def subscribe(self, handler: Handler) -> None:
        """Call ``handler(old, new)`` on every change that the watch shows."""
        self.informer.subscribe(handler)

    def index(self, name: str, values: Callable[[Object], Iterable[str]]) -> None:
        """Keep an index, once for each name."""
        if name not in self._values:
            self._values[name] = values
            self._ahead_index[name] = defaultdict(dict)
            for key, write in self._ahead.items():
                for value in values(write.object) if write.object is not None else ():
                    self._ahead_index[name][value][key] = None
            self.informer.index(name, values)

    def get(self, namespace: str, name: str) -> Object | None:
        """Return an object, or None."""
        key = (namespace, name)
        cached = self.informer.objects.get(key)
        write = self._ahead.get(key)
        return cached if write is None else self._newest(key, cached, write)

    def by_index(self, name: str, value: str) -> list[Object]:
        """Return the objects found under ``value`` of an index."""
        found = self.informer.by_index(name, value)
        if not self._ahead:
            return found
        objects = {key_of(obj): obj for obj in found}
        values = self._values[name]
        changed = [key for key in self._ahead if key in objects]
        for key in [*changed, *self._ahead_index[name].get(value, ())]:
            newest = self.get(*key)
            if newest is not None and value in values(newest):
                objects[key] = newest
            else:
                objects.pop(key, None)
        return list(objects.values())

    def wrote(self, obj: Object) -> None:
        """Show an object as the server answered a write."""
        uid = obj["metadata"].get("uid", "")
        key = key_of(obj)
        cached = self.informer.objects.get(key)
        if uid in self._deleted or (cached is not None and _version(cached) >= _version(obj)):
            return
        earlier = self._ahead.get(key)
        if earlier is not None and earlier.object is not None and _version(earlier.object) > _version(obj):
            return
        self._put(key, _Write(uid, obj, _now_s()))

    def deleted(self, obj: Object) -> None:
        """Hide an object that the server said is gone."""
        self._put(key_of(obj), _Write(obj["metadata"].get("uid", ""), None, _now_s()))

    def _put(self, key: Key, write: _Write) -> None:
        self._drop(key)
        self._ahead[key] = write
        for name, values in self._values.items():
            for value in values(write.object) if write.object is not None else ():
                self._ahead_index[name][value][key] = None

    def _drop(self, key: Key) -> None:
        write = self._ahead.pop(key, None)
        if write is None or write.object is None:
            return
        for name, values in self._values.items():
            for value in values(write.object):
                keys = self._ahead_index[name][value]
                keys.pop(key, None)
                if not keys:
                    del self._ahead_index[name][value]

    def _newest(self, key: Key, cached: Object | None, write: _Write) -> Object | None:
        overdue = _now_s() - write.at_s > LONGEST_LAG_S
        replaced = write.object is None and (cached is None or cached["metadata"].get("uid", "") != write.uid)
        if overdue or replaced:
            self._drop(key)
            return cached
        return write.object

    def _seen(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is None:
            self._deleted[old["metadata"].get("uid", "")] = None
            if len(self._deleted) > _REMEMBERED_DELETIONS:
                self._deleted.popitem(last=False)
            self._drop(key_of(old))
        if new is not None:
            self._catch_up(new)

    def _catch_up(self, new: Object) -> None:
        write = self._ahead.get(key_of(new))
        if write is None:
            return
        if write.object is None:
            caught_up = new["metadata"].get("uid", "") != write.uid
        else:
            caught_up = _version(new) >= _version(write.object)
        if caught_up:
            self._drop(key_of(new))


class Views:
    """One `View` for each resource, over the shared informers."""

    def __init__(self, informers: Informers) -> None:
        self.informers = informers
        self._views: dict[Resource, View] = {}

    def of(self, resource: Resource) -> View:
        """Return the resource's view; asks the informers to follow it."""
        if resource not in self._views:
            self._views[resource] = View(self.informers.of(resource))
        return self._views[resource]


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _version(obj: Object) -> int:
    # KEP-5504: resource versions of one resource can be compared as integers.
    return int(obj["metadata"].get("resourceVersion") or 0)
