"""Objects between the handlers and the store: parsed in the served version, committed in the stored one."""

from __future__ import annotations

from functools import partial
from typing import Protocol

import orjson

from kubelab.client import Object
from kubelab.engine.apiserver import conversion, decoding
from kubelab.engine.apiserver.collection import Key, Stored
from kubelab.engine.apiserver.kinds import Kind, Kinds
from kubelab.engine.apiserver.store import Store


class CommitHook(Protocol):
    """What must happen with the write of an object, such as serving what a definition declares."""

    def prepare(self, obj: Object, *, new: bool) -> None:
        """Complete an object, in place, before it is stored."""
        ...

    def committed(self, obj: Object) -> None:
        """Act on a created or changed object."""
        ...

    def deleted(self, obj: Object) -> None:
        """Act on an object that is gone."""
        ...


class Objects:
    """Reads for writers, and the one way to commit."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self.store = store
        self.kinds = kinds
        self.hooks: dict[str, CommitHook] = {}

    def latest(self, kind: Kind, key: Key) -> Stored | None:
        """Return the object that the next write builds on."""
        return self.store.collection(kind.storage).latest(key)

    def parse(self, kind: Kind, stored: Stored) -> Object:
        """Return a fresh copy in the kind's version."""
        return conversion.from_storage(kind, stored.object())

    async def commit(self, kind: Kind, key: Key, obj: Object, *, delete: bool = False) -> Stored:
        """Write an object and wait until it is durable. Nothing may be awaited between `latest` and this."""
        collection = self.store.collection(kind.storage)
        hook = self.hooks.get(collection.name)
        if hook is None:
            return await self.store.commit(collection, key, self._as_stored(kind, obj), delete=delete)
        hook.prepare(obj, new=collection.latest(key) is None)
        committed = partial(hook.deleted if delete else hook.committed, obj)
        return await self.store.commit(collection, key, obj, delete=delete, committed=committed)

    def _as_stored(self, kind: Kind, obj: Object) -> Object:
        """Return an object in its stored version, without what a custom kind's schema there does not know."""
        stored, storage = conversion.to_storage(kind, obj), kind.storage
        if kind.custom is not None and storage.version != kind.resource.version:
            storage_kind = self.kinds.get(storage.group, storage.version, storage.plural)
            if storage_kind is not None:
                return decoding.prune(storage_kind, stored)
        return stored

    def dry(self, obj: Object) -> Stored:
        """Return what would be written."""
        return Stored(0, orjson.dumps(obj), None)
