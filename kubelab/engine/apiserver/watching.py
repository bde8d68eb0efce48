"""Watch: a position in a collection's history, and the events from there on.

A watcher keeps no queue. It takes what is new in chunks as its connection accepts them; if it falls so far
behind that the history has moved on, it ends with 410 Expired and the client lists again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator

import orjson

from kubelab.clock import Clock
from kubelab.engine.apiserver.collection import Change, Collection, Stored
from kubelab.engine.apiserver.list_options import ListOptions, parse_version
from kubelab.engine.apiserver.presentation import Presentation
from kubelab.engine.apiserver.reading import Reader, Snapshot
from kubelab.engine.apiserver.requests import Request, Stream, Target
from kubelab.engine.apiserver.selectors import Predicate, predicate
from kubelab.engine.apiserver.status import failure, too_old
from kubelab.engine.measures import Counter, Family
from kubelab.errors import ApiError

_DEFAULT_TIMEOUT_S = 1800
"""How long a watch lasts unless the client says otherwise (upstream: --min-request-timeout)."""

_BOOKMARK_PERIOD_S = 60
"""Upstream: cacher ``defaultBookmarkFrequency``."""

_CHUNK_CHANGES = 128


class Watches:
    """Answers watches; `close` ends them all."""

    def __init__(self, reader: Reader, clock: Clock, events: Family[Counter]) -> None:
        self.reader = reader
        self.clock = clock
        self._events = events
        self._watched: dict[_Watch, None] = {}
        self._closed = False

    async def watch(self, request: Request, target: Target) -> Stream:
        """Return the stream of a collection's changes."""
        options = ListOptions.of(request)
        test = predicate(target.kind, options.label_selector, options.field_selector)
        version = _version(options)
        await self.reader.reach(version)
        store, resource = self.reader.store, target.resource
        watch = _Watch(
            store.collection(target.kind.storage),
            Presentation(target.kind, request, self.clock),
            target.namespace,
            test,
            self._events.of(resource.group, resource.version, resource.plural),
            bookmarks=options.bookmarks,
            timeout_s=options.timeout_s or _DEFAULT_TIMEOUT_S,
        )
        return Stream(self._run(watch, version, initial=bool(options.initial)))

    def close(self) -> None:
        """End every watch, as a server does before it goes."""
        self._closed = True
        for watch in self._watched:
            watch.collection.wake()

    async def _run(self, watch: _Watch, version: int, *, initial: bool) -> AsyncGenerator[bytes, None]:
        self._watched[watch] = None
        store = self.reader.store
        try:
            if initial or version == 0:
                version = store.version
            position = watch.collection.position_after(version)
            if version < watch.collection.floor and not initial:
                yield _error(too_old(version, watch.collection.floor))
                return
            if initial:
                for chunk in watch.initial(store.version):
                    yield chunk
            if initial and watch.bookmarks:
                yield watch.bookmark(version, {"k8s.io/initial-events-end": "true"})
            async for chunk in self._follow(watch, position):
                yield chunk
        finally:
            del self._watched[watch]

    async def _follow(self, watch: _Watch, position: int) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        end = loop.time() + watch.timeout_s
        bookmark_at = loop.time() + _BOOKMARK_PERIOD_S
        while not self._closed and loop.time() < end:
            changes = watch.collection.changes(position, _CHUNK_CHANGES)
            if changes is None:
                yield _error(too_old(watch.last_version, watch.collection.floor))
                return
            if changes:
                position += len(changes)
                watch.last_version = changes[-1].version
                chunk = b"".join(watch.lines(changes))
                if chunk:
                    yield chunk
            elif watch.bookmarks and loop.time() >= bookmark_at:
                bookmark_at = loop.time() + _BOOKMARK_PERIOD_S
                yield watch.bookmark(self.reader.store.version)
            else:
                await _wait(watch.collection, position, min(end, bookmark_at) if watch.bookmarks else end)


class _Watch:
    """What one watcher wants to see."""

    def __init__(
        self,
        collection: Collection,
        presentation: Presentation,
        namespace: str,
        test: Predicate | None,
        sent: Counter,
        *,
        bookmarks: bool,
        timeout_s: int,
    ) -> None:
        self.collection = collection
        self.presentation = presentation
        self.namespace = namespace
        self.test = test
        self.sent = sent
        self.bookmarks = bookmarks
        self.timeout_s = timeout_s
        self.last_version = 0

    def initial(self, version: int) -> Iterator[bytes]:
        """Yield what is there now as ADDED, in chunks."""
        snapshot = Snapshot(self.collection, None, version)
        keys, _ = snapshot.page(self.namespace, None, self.test, 0)
        stored = [snapshot.get(key) for key in keys]
        for start in range(0, len(stored), _CHUNK_CHANGES):
            part = stored[start : start + _CHUNK_CHANGES]
            self.sent.value += len(part)
            yield b"".join(self.presentation.event("ADDED", item) for item in part)

    def bookmark(self, version: int, annotations: dict[str, str] | None = None) -> bytes:
        """Return the line that says how far the watch has come."""
        self.sent.value += 1
        return self.presentation.bookmark(version, annotations)

    def lines(self, changes: list[Change]) -> Iterator[bytes]:
        """Yield the events that this watcher sees of some changes."""
        for change in changes:
            if self.namespace and change.key[0] != self.namespace:
                continue
            seen = change.type if self.test is None else self._seen_as(change, self.test)
            if seen:
                self.sent.value += 1
                yield self.presentation.event(seen, self._shown(seen, change))

    def _seen_as(self, change: Change, test: Predicate) -> str:
        """Return the event's type to a watcher with selectors; empty if it sees nothing."""
        before = change.old is not None and test(change.key, change.old)
        after = change.type != "DELETED" and test(change.key, change.new)
        if after:
            return "MODIFIED" if before else "ADDED"
        return "DELETED" if before else ""

    def _shown(self, type: str, change: Change) -> Stored:
        """Return the object to show; one that a selector lost, as it last matched, at the new version."""
        if type != "DELETED" or change.type == "DELETED" or change.old is None:
            return change.new
        last = change.old.object()
        last["metadata"]["resourceVersion"] = str(change.version)
        return Stored(change.version, orjson.dumps(last), change.old.labels)


def _version(options: ListOptions) -> int:
    try:
        return parse_version(options.version)
    except ValueError as error:
        raise failure(500, "", str(error)) from None


def _error(error: ApiError) -> bytes:
    return orjson.dumps({"type": "ERROR", "object": error.status}) + b"\n"


async def _wait(collection: Collection, position: int, until: float) -> None:
    try:
        async with asyncio.timeout_at(until):
            await collection.changed(position)
    except TimeoutError:
        return
