"""Get and list: pages, selectors, and the resource version a reader asks for."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Sequence

from kubelab.client import Object
from kubelab.clock import Clock
from kubelab.engine.apiserver.collection import Collection, Key, Stored
from kubelab.engine.apiserver.continuation import token_of
from kubelab.engine.apiserver.list_options import ListOptions, requested_version
from kubelab.engine.apiserver.presentation import Presentation
from kubelab.engine.apiserver.requests import Reply, Request, Target
from kubelab.engine.apiserver.selectors import Predicate, predicate
from kubelab.engine.apiserver.status import expired, not_found, too_large_version
from kubelab.engine.apiserver.store import Store

_FRESH_PATIENCE_S = 3.0
"""How long a read waits for a version that has not been reached (upstream: cacher blockTimeout)."""

_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list."
)


class Reader:
    """Answers reads from memory."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    async def get(self, request: Request, target: Target) -> Reply:
        """Return one object, or raise a 404."""
        if request.query.get("resourceVersion"):
            await self.reach(requested_version(request))
        stored = self.store.collection(target.kind.storage).objects.get(target.key)
        if stored is None:
            raise not_found(target.resource, target.name)
        return Reply(200, Presentation(target.kind, request, self.clock).one(stored))

    async def list(self, request: Request, target: Target) -> Reply:
        """Return a collection or a page of it."""
        found, metadata = await self.page(target, ListOptions.of(request))
        presentation = Presentation(target.kind, request, self.clock)
        return Reply(200, pieces=presentation.many((stored for _, stored in found), metadata))

    async def page(self, target: Target, options: ListOptions) -> tuple[Sequence[tuple[Key, Stored]], Object]:
        """Return the objects of a page of a collection, and the metadata of the list.

        Raises
        ------
        ApiError
            400 or 422 for options that are wrong, 410 for a version that is over, 504 for one to come.
        """
        test = predicate(target.kind, options.label_selector, options.field_selector)
        collection = self.store.collection(target.kind.storage)
        version, after = await self._start(options, collection)
        snapshot = Snapshot(collection, version or None, self.store.version)
        keys, rest = snapshot.page(target.namespace, after, test, options.limit)
        metadata: Object = {"resourceVersion": str(snapshot.version)}
        if rest is not None and keys:
            metadata["continue"] = token_of(snapshot.version, keys[-1])
            if test is None:
                metadata["remainingItemCount"] = rest
        return [(key, snapshot.get(key)) for key in keys], metadata

    async def reach(self, version: int) -> None:
        """Wait until a version is committed.

        Raises
        ------
        ApiError
            504 if it is not reached soon.
        """
        deadline = asyncio.get_running_loop().time() + _FRESH_PATIENCE_S
        while version > self.store.version:
            if asyncio.get_running_loop().time() >= deadline:
                raise too_large_version(version, self.store.version)
            await asyncio.sleep(0.05)

    async def _start(self, options: ListOptions, collection: Collection) -> tuple[int, Key | None]:
        """Return the version to show, 0 for the present one, and the key to continue after."""
        version, after = options.start()
        if after is not None:
            if 0 < version < collection.floor:
                raise expired(_EXPIRED, token_of(-1, after))
            return max(version, 0), after
        await self.reach(version)
        if options.match != "Exact":
            return 0, None
        if version < collection.floor:
            raise expired("The resourceVersion for the provided list is too old.")
        return version, None


class Snapshot:
    """A collection as it was at a version: the present less what changed since."""

    def __init__(self, collection: Collection, version: int | None, current: int) -> None:
        self._objects = collection.objects
        self.version = current if version is None else version
        self._then: dict[Key, Stored | None] = {}
        self._keys: Sequence[Key] = collection.keys()
        if version is not None and version < current:
            self._then = collection.differences_since(version) or {}
            present = {*collection.objects, *self._then}
            self._keys = sorted(key for key in present if self._then.get(key, self) is not None)

    def get(self, key: Key) -> Stored:
        """Return an object that was there."""
        return self._then.get(key) or self._objects[key]

    def page(
        self, namespace: str, after: Key | None, test: Predicate | None, limit: int
    ) -> tuple[Sequence[Key], int | None]:
        """Return the keys of a page, and how many follow it; None if it is the last."""
        start = bisect_left(self._keys, (namespace, "")) if namespace else 0
        end = bisect_left(self._keys, (namespace + "\0", "")) if namespace else len(self._keys)
        if after is not None:
            start = max(start, bisect_left(self._keys, (after[0], after[1] + "\0")))
        if test is None:
            stop = min(end, start + limit) if limit else end
            return self._keys[start:stop], (end - stop if stop < end else None)
        return self._matching(start, end, test, limit)

    def _matching(self, start: int, end: int, test: Predicate, limit: int) -> tuple[list[Key], int | None]:
        found: list[Key] = []
        for index in range(start, end):
            key = self._keys[index]
            if test(key, self.get(key)):
                if limit and len(found) == limit:
                    return found, end - index
                found.append(key)
        return found, None
