"""One collection of objects in memory, as serialised bytes, with its recent changes for watchers.

Readers see what is committed; writers build on `Collection.latest`, which includes writes that are on
their way to the disk. Watchers hold a position in the shared history, so a slow one costs nothing: once
its position is forgotten it is told to list again.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections import deque
from typing import Literal

import orjson

from kubelab.client import Object

Key = tuple[str, str]
"""(namespace, name); the namespace of a cluster-wide object is empty."""

EventType = Literal["ADDED", "MODIFIED", "DELETED"]

_HISTORY_CHANGES = 16_384
_HISTORY_BYTES = 24 * 1024 * 1024
_HISTORY_S = 120.0
"""Older changes are forgotten; upstream's watch cache grows only for those of the last 75 s."""
_HISTORY_LEAST = 1024
"""So many are kept however old they are."""
_MARK_EVERY = 256
_NO_LABELS: dict[str, str] = {}


class Stored:
    """An object as it is kept: its version, JSON and labels."""

    __slots__ = ("body", "labels", "version")

    def __init__(self, version: int, body: bytes, labels: dict[str, str] | None) -> None:
        self.version = version
        self.body = body
        self.labels = labels or _NO_LABELS

    def object(self) -> Object:
        """Return a fresh parse of the object."""
        parsed: Object = orjson.loads(self.body)
        return parsed


class Change:
    """One write: the state before, if any, and after it; of a deletion, the last state."""

    __slots__ = ("key", "new", "old", "type", "version")

    def __init__(self, type: EventType, key: Key, new: Stored, old: Stored | None) -> None:
        self.type = type
        self.key = key
        self.new = new
        self.old = old
        self.version = new.version


class Collection:
    """The objects of one kind, whatever version they are served in.

    Attributes
    ----------
    name : str
        ``pods`` or ``jobs.batch``: the plural and the group.
    objects : dict
        What is committed.
    pending : dict
        The latest uncommitted write of each key.
    floor : int
        Versions up to this one can no longer be watched from.
    """

    def __init__(self, name: str, floor: int) -> None:
        self.name = name
        self.objects: dict[Key, Stored] = {}
        self.pending: dict[Key, Change] = {}
        self.floor = floor
        self._history: list[Change] = []
        self._forgotten = 0
        self._history_bytes = 0
        self._marks: deque[tuple[float, int]] = deque()
        self._order: list[Key] | None = None
        self._waiters: list[asyncio.Future[None]] = []

    def latest(self, key: Key) -> Stored | None:
        """Return the object that the next write builds on."""
        change = self.pending.get(key)
        if change is None:
            return self.objects.get(key)
        return None if change.type == "DELETED" else change.new

    @property
    def end(self) -> int:
        """The position in history that the next change will have."""
        return self._forgotten + len(self._history)

    def keys(self) -> list[Key]:
        """Return every committed key in order; shared, not to be changed."""
        if self._order is None:
            self._order = sorted(self.objects)
        return self._order

    def load(self, key: Key, stored: Stored) -> None:
        """Put back an object read from the journal."""
        self.objects[key] = stored

    def apply(self, change: Change) -> None:
        """Make a committed write visible to readers, and to watchers at the next `wake`."""
        key = change.key
        if change.type != "MODIFIED":
            self._reorder(change)
        if change.type == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = change.new
        if self.pending.get(key) is change:
            del self.pending[key]
        self._history.append(change)
        self._history_bytes += len(change.new.body)
        if len(self._history) > _HISTORY_CHANGES or self._history_bytes > _HISTORY_BYTES:
            self._forget(max(1, len(self._history) // 4))
        elif self.end % _MARK_EVERY == 0:
            self._forget_old()

    def wake(self) -> None:
        """Let the watchers look at the history again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def position_after(self, version: int) -> int:
        """Return the position in history of the first change after a version (which is >= floor)."""
        return self._forgotten + bisect_right(self._history, version, key=lambda change: change.version)

    def changes(self, position: int, limit: int) -> list[Change] | None:
        """Return up to ``limit`` changes from a position; None if they are forgotten."""
        start = position - self._forgotten
        return self._history[start : start + limit] if start >= 0 else None

    async def changed(self, position: int) -> None:
        """Wait until there is a change at a position."""
        if position - self._forgotten >= len(self._history):
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                if not waiter.done() or waiter.cancelled():
                    self._waiters = [other for other in self._waiters if other is not waiter]

    def differences_since(self, version: int) -> dict[Key, Stored | None] | None:
        """Return what objects changed since were at a version; None if that is forgotten."""
        if version < self.floor:
            return None
        then: dict[Key, Stored | None] = {}
        for change in self._history[self.position_after(version) - self._forgotten :]:
            then.setdefault(change.key, change.old)
        return then

    def _reorder(self, change: Change) -> None:
        if self._order is None:
            return
        at = bisect_left(self._order, change.key)
        if change.type == "ADDED":
            self._order.insert(at, change.key)
        else:
            del self._order[at]

    def _forget_old(self) -> None:
        """Forget what is older than `_HISTORY_S`, as far as marks in the history tell."""
        now_s = asyncio.get_running_loop().time()
        self._marks.append((now_s, self.end))
        old_end = 0
        while self._marks and now_s - self._marks[0][0] > _HISTORY_S:
            old_end = self._marks.popleft()[1]
        count = min(old_end - self._forgotten, len(self._history) - _HISTORY_LEAST)
        if count > 0:
            self._forget(count)

    def _forget(self, count: int) -> None:
        self.floor = self._history[count - 1].version
        self._history_bytes -= sum(len(change.new.body) for change in self._history[:count])
        self._forgotten += count
        del self._history[:count]
