"""A journal that keeps nothing: for a cluster that ends with its process, such as a simulated one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from kubelab.engine.apiserver.journal import Row


class MemoryJournal:
    """What the store asks of a journal, without a file and without a thread."""

    def last_version(self) -> int:
        """Return 0: nothing was ever committed."""
        return 0

    def floor(self) -> int:
        """Return 0."""
        return 0

    def rows(self) -> Iterator[Row]:
        """Return no rows."""
        return iter(())

    def stage(self, rows: Sequence[Row], forgotten: Sequence[int], last_version: int, floor: int) -> None:
        """Take note of nothing: the store itself holds the objects."""

    def commit_in_background(self) -> asyncio.Future[None]:
        """Return a future that is done."""
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        committed.set_result(None)
        return committed

    def close(self) -> None:
        """Do nothing."""
