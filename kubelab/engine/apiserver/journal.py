"""The journal: every object on disk at its resource version, one transaction for each batch of writes.

SQLite in WAL mode with ``synchronous=FULL``. The table holds one row for each live object, keyed by
its resource version: a change appends a row and removes the one it replaces, so writing is sequential.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kubelab.errors import KubelabError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    version INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS state (last_version INTEGER NOT NULL);
INSERT INTO state SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM state);
"""
_PAGE_BYTES = 8192
_CHECKPOINT_PAGES = 32 * 1024 * 1024 // _PAGE_BYTES


class JournalError(KubelabError):
    """The journal cannot be opened or written."""

    def __init__(self, path: Path, cause: str) -> None:
        self.path = path
        self.cause = cause
        super().__init__(
            f"the journal {path} cannot be used ({cause}). "
            "Is another API server running on the same state, or the disk full?"
        )


class Row(NamedTuple):
    """One object at one resource version; ``name`` and ``namespace`` as in its metadata."""

    version: int
    resource: str
    namespace: str
    name: str
    body: bytes


class Journal:
    """What survives a crash. `stage` and `commit` are called in turn, never at the same time.

    Parameters
    ----------
    path : Path
        The database file; made if there is none.

    Raises
    ------
    JournalError
        If another process holds it, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path, timeout=1, isolation_level=None, check_same_thread=False)
            self._db.executescript(
                f"PRAGMA page_size={_PAGE_BYTES}; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
                f"PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES};"
                "BEGIN IMMEDIATE;" + _SCHEMA + "COMMIT;"
            )
        except sqlite3.Error as error:
            raise JournalError(path, str(error)) from error
        path.chmod(0o600)

    def last_version(self) -> int:
        """Return the highest resource version ever committed."""
        return int(self._db.execute("SELECT last_version FROM state").fetchone()[0])

    def rows(self) -> Iterator[Row]:
        """Yield every live object, oldest version first."""
        query = "SELECT version, resource, namespace, name, body FROM objects ORDER BY version"
        return (Row(*row) for row in self._db.execute(query))

    def stage(self, rows: Sequence[Row], replaced: Sequence[int], last_version: int) -> None:
        """Begin a transaction that adds rows and removes those at the ``replaced`` versions.

        Raises
        ------
        JournalError
            If the database refuses; nothing is kept then.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT INTO objects VALUES (?, ?, ?, ?, ?)", rows)
            self._db.executemany("DELETE FROM objects WHERE version = ?", [(old,) for old in replaced])
            self._db.execute("UPDATE state SET last_version = ?", (last_version,))
        except sqlite3.Error as error:
            self.rollback()
            raise JournalError(self.path, str(error)) from error

    def commit(self) -> None:
        """Make the staged transaction durable; blocks until it is on disk.

        Raises
        ------
        JournalError
            If it could not be written; nothing of it is kept then.
        """
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self.rollback()
            raise JournalError(self.path, str(error)) from error

    def rollback(self) -> None:
        """Drop what was staged."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Write the log back into the database and let go of it."""
        self._db.close()
