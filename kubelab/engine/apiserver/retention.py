"""How much history the journal keeps: what watchers may resume from after a restart.

A row that a change replaced, and the row of a deletion, stay until newer changes push them out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from kubelab.engine.apiserver.collection import Change

_CHANGES = 4096
_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Superseded:
    """A change, and the rows that nothing needs once it need not be told again."""

    version: int
    rows: tuple[int, ...]
    size_bytes: int

    @staticmethod
    def by(change: Change) -> Superseded | None:
        """Return what a change leaves behind; None if nothing."""
        if change.old is None:
            return None
        rows, size = (change.old.version,), len(change.old.body)
        if change.type == "DELETED":
            return Superseded(change.version, (*rows, change.version), size + len(change.new.body))
        return Superseded(change.version, rows, size)


class Retention:
    """The superseded rows in the journal, oldest first.

    Attributes
    ----------
    floor : int
        After this version, every change is kept.
    """

    def __init__(self, floor: int = 0) -> None:
        self.floor = floor
        self._kept: deque[Superseded] = deque()
        self._bytes = 0

    def load(self, change: Change) -> None:
        """Take note of a change that was read from the journal."""
        found = Superseded.by(change)
        if found is not None:
            self._kept.append(found)
            self._bytes += found.size_bytes

    def plan(self, changes: Sequence[Change]) -> Batch:
        """Return which rows to forget with a batch of changes; `committed` makes it so."""
        added = [found for change in changes if (found := Superseded.by(change)) is not None]
        count, size = len(self._kept) + len(added), self._bytes + sum(each.size_bytes for each in added)
        forgotten: list[Superseded] = []
        if count > _CHANGES or size > _BYTES:
            for each in chain(self._kept, added):
                if count <= _CHANGES and size <= _BYTES:
                    break
                forgotten.append(each)
                count, size = count - 1, size - each.size_bytes
        return Batch(added, forgotten, size, forgotten[-1].version if forgotten else self.floor)

    def committed(self, batch: Batch) -> None:
        """Remember what a batch kept and forgot."""
        self._kept.extend(batch.added)
        for _ in batch.forgotten:
            self._kept.popleft()
        self._bytes, self.floor = batch.bytes_after, batch.floor


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch of changes adds to the history and what it pushes out."""

    added: list[Superseded]
    forgotten: list[Superseded]
    bytes_after: int
    floor: int

    def rows(self) -> list[int]:
        """Return the versions of the rows to delete."""
        return [row for each in self.forgotten for row in each.rows]
