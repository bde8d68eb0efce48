"""The store: collections in memory over a group-committed journal.

A write is staged with every other write that waits, committed in one transaction on a thread of its own,
and only then acknowledged and made visible to readers and watchers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from kubelab.client import Object, Resource
from kubelab.clock import monotonic
from kubelab.engine.apiserver.collection import Change, Collection, EventType, Key, Stored
from kubelab.engine.apiserver.journal import Journal, JournalError, Row
from kubelab.engine.apiserver.memory_journal import MemoryJournal
from kubelab.engine.apiserver.retention import Batch, Retention
from kubelab.engine.measures import Histogram, Measures, exponential

_COMMIT_SECONDS = exponential(0.0005, 2, 14)


class _Write:
    __slots__ = ("change", "collection", "committed", "done")

    def __init__(
        self,
        collection: Collection,
        change: Change,
        done: asyncio.Future[None],
        committed: Callable[[], None] | None,
    ) -> None:
        self.collection = collection
        self.change = change
        self.done = done
        self.committed = committed


class Store:
    """Every object of the cluster.

    Parameters
    ----------
    path : Path or None
        The journal's file; None to keep nothing beyond this process.
    measures : Measures, optional
        Where commits are timed and objects counted.

    Attributes
    ----------
    version : int
        The resource version of the last committed write.
    """

    def __init__(self, path: Path | None, measures: Measures | None = None) -> None:
        self.path = path
        self.version = 0
        self._commits = _commits(measures or Measures(), self._counts)
        self._commit_began = 0.0
        self._assigned = 0
        self._opened_at = 0
        self._collections: dict[str, Collection] = {}
        self._journal: Journal | MemoryJournal | None = None
        self._waiting: list[_Write] = []
        self._committing: list[_Write] = []
        self._retention = Retention()
        self._batch: Batch | None = None

    def open(self) -> None:
        """Load the journal.

        Raises
        ------
        JournalError
            If another process uses it, or it is damaged.
        """
        self._journal = Journal(self.path) if self.path else MemoryJournal()
        self.version = self._assigned = self._journal.last_version()
        self._opened_at = self._journal.floor()
        self._retention = Retention(self._opened_at)
        for collection in self._collections.values():
            collection.floor = self._opened_at
        for row in self._journal.rows():
            self._load(row)

    async def close(self) -> None:
        """Commit what waits and let go of the journal."""
        await self.settled()
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def collection(self, storage: Resource) -> Collection:
        """Return the collection that a resource's objects are kept in."""
        return self._named(f"{storage.plural}.{storage.group}" if storage.group else storage.plural)

    async def commit(
        self,
        collection: Collection,
        key: Key,
        obj: Object,
        *,
        delete: bool = False,
        committed: Callable[[], None] | None = None,
    ) -> Stored:
        """Write on top of the latest state, and wait until it is on disk and visible.

        Nothing may be awaited between reading the latest state and this call.

        Parameters
        ----------
        collection : Collection
            Where the object is kept.
        key : tuple
            Its namespace and name.
        obj : dict
            The new state, or the last one of a deletion; its ``metadata.resourceVersion`` is set.
        committed : callable, optional
            Called when the write is durable, before anybody sees it.

        Raises
        ------
        JournalError
            If it could not be written.
        """
        write = self._stage(collection, key, obj, delete=delete, committed=committed)
        await write.done
        return write.change.new

    def _stage(
        self,
        collection: Collection,
        key: Key,
        obj: Object,
        *,
        delete: bool,
        committed: Callable[[], None] | None,
    ) -> _Write:
        self._assigned += 1
        metadata = obj["metadata"]
        metadata["resourceVersion"] = str(self._assigned)
        # The copy is as long as the JSON: what orjson returns keeps the room it was written in.
        body = bytes(memoryview(orjson.dumps(obj)))
        old = collection.latest(key)
        labels = metadata.get("labels")
        if old is not None and old.labels == labels:
            labels = old.labels  # one for all versions
        new = Stored(self._assigned, body, labels)
        event: EventType = "DELETED" if delete else "ADDED" if old is None else "MODIFIED"
        change = Change(event, key, new, old)
        collection.pending[key] = change
        loop = asyncio.get_running_loop()
        if not self._waiting and not self._committing:
            loop.call_soon(self._flush)
        write = _Write(collection, change, loop.create_future(), committed)
        self._waiting.append(write)
        return write

    async def caught_up(self) -> None:
        """Wait until the writes made before this call are committed or have failed."""
        writes = self._waiting or self._committing
        if writes:
            await asyncio.wait([writes[-1].done])

    async def settled(self) -> None:
        """Wait until every write made so far is committed or has failed."""
        while self._waiting or self._committing:
            await self.caught_up()

    def _counts(self) -> Iterator[tuple[tuple[str, str], int]]:
        for name, collection in self._collections.items():
            plural, _, group = name.partition(".")
            yield (group, plural), len(collection.objects)

    def _named(self, name: str) -> Collection:
        collection = self._collections.get(name)
        if collection is None:
            collection = self._collections[name] = Collection(name, self._opened_at)
        return collection

    def _load(self, row: Row) -> None:
        """Put an object back, and what can still be watched into the history."""
        collection, key = self._named(row.resource), (row.namespace, row.name)
        stored = Stored(row.version, row.body, orjson.loads(row.body)["metadata"].get("labels"))
        if row.version <= self._opened_at:
            collection.load(key, stored)
            return
        old = collection.objects.get(key)
        change = Change(
            "DELETED" if row.deleted else "ADDED" if old is None else "MODIFIED", key, stored, old
        )
        collection.apply(change)
        self._retention.load(change)

    def _flush(self) -> None:
        journal = self._journal
        if self._committing or not self._waiting or journal is None:
            return
        self._committing, self._waiting = self._waiting, []
        self._batch = batch = self._retention.plan([write.change for write in self._committing])
        try:
            journal.stage(
                _rows(self._committing), batch.rows(), self._committing[-1].change.version, batch.floor
            )
        except JournalError as error:
            self._fail(error)
            return
        self._commit_began = monotonic()
        journal.commit_in_background().add_done_callback(self._committed)

    def _committed(self, outcome: asyncio.Future[None]) -> None:
        self._commits.observe(monotonic() - self._commit_began)
        error = outcome.exception()
        if error is not None:
            self._fail(error)
            return
        writes, self._committing = self._committing, []
        if self._batch is not None:
            self._retention.committed(self._batch)
        self.version = writes[-1].change.version
        touched: dict[Collection, None] = {}
        for write in writes:
            if write.committed is not None:
                write.committed()
            write.collection.apply(write.change)
            touched[write.collection] = None
            if not write.done.done():
                write.done.set_result(None)
        for collection in touched:
            collection.wake()
        self._flush()

    def _fail(self, error: BaseException) -> None:
        """Refuse all writes under way: later ones may build on those that are lost."""
        writes = self._committing + self._waiting
        self._committing, self._waiting = [], []
        for write in writes:
            write.collection.pending.clear()
            if not write.done.done():
                write.done.set_exception(error)


def _commits(measures: Measures, counts: Callable[[], Iterator[tuple[tuple[str, str], int]]]) -> Histogram:
    measures.read(
        "gauge", "apiserver_resource_objects", "Objects in the store.", ("group", "resource"), counts
    )
    return measures.histograms(
        "kubelab_journal_commit_duration_seconds",
        "Time until a batch of writes is on disk.",
        _COMMIT_SECONDS,
    ).of()


def _rows(writes: list[_Write]) -> list[Row]:
    return [
        Row(
            write.change.version,
            write.collection.name,
            *write.change.key,
            write.change.new.body,
            deleted=write.change.type == "DELETED",
        )
        for write in writes
    ]
