"""The journal: every object on disk at its resource version, one transaction for each batch of writes.

SQLite in WAL mode with ``synchronous=FULL``. The table holds one row for each version of an object, keyed
by that version: a change appends a row. The row it replaces stays for a while (see ``retention``), so that
a watch can be resumed after a restart. Every row carries a checksum of its body.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, NamedTuple

from kubelab.errors import KubelabError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    version INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    body BLOB NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, checksum INTEGER);
CREATE TABLE IF NOT EXISTS state (last_version INTEGER NOT NULL, floor INTEGER NOT NULL DEFAULT 0);
INSERT INTO state (last_version) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM state);
"""
_UPGRADE = """
ALTER TABLE objects ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE objects ADD COLUMN checksum INTEGER;
ALTER TABLE state ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;
UPDATE state SET floor = last_version;
"""
"""From the journal of kubelab 0.1, which kept no history."""

_COLUMNS = "version, resource, namespace, name, body, deleted, checksum"
PAGE_BYTES = 8192
_CHECKPOINT_PAGES = 32 * 1024 * 1024 // PAGE_BYTES
_CORRUPT = ("malformed", "not a database")
_FULL_CODES = ("SQLITE_FULL", "SQLITE_IOERR_WRITE")


class JournalError(KubelabError):
    """The journal cannot be opened or written."""

    remedy: ClassVar[str] = "Is another API server running on the same state?"

    def __init__(self, path: Path, cause: str) -> None:
        self.path = path
        self.cause = cause
        super().__init__(f"the journal {path} cannot be used ({cause}). {self.remedy}")


class JournalFullError(JournalError):
    """There is no room to write; nothing of the write is kept."""

    remedy = "Is the disk full? Nothing of this write was kept. Make room and write again."


class JournalCorruptError(JournalError):
    """The journal's content is damaged."""

    remedy = (
        "It is damaged. `kubelab up --recover` keeps it and starts from what can be read of it; "
        "`kubelab down --delete` lets a new cluster start afresh."
    )


class Row(NamedTuple):
    """One object at one resource version; of a deletion, its last state.

    ``name`` and ``namespace`` are as in its metadata.
    """

    version: int
    resource: str
    namespace: str
    name: str
    body: bytes
    deleted: bool = False

    @property
    def checksum(self) -> int:
        """CRC-32 of the body."""
        return zlib.crc32(self.body)


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
    JournalCorruptError
        If it is not a journal any more.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(1, "journal")
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite would ask the umask
        path.chmod(0o600)
        try:
            self._db = sqlite3.connect(path, timeout=1, isolation_level=None, check_same_thread=False)
            self._db.executescript(
                f"PRAGMA page_size={PAGE_BYTES}; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
                f"PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES};"
                f"BEGIN IMMEDIATE;{_SCHEMA}COMMIT;"
            )
            if len(self._db.execute("PRAGMA table_info(objects)").fetchall()) == 5:
                self._db.executescript(f"BEGIN IMMEDIATE;{_UPGRADE}COMMIT;")
        except sqlite3.Error as error:
            raise self._error(error) from error

    def last_version(self) -> int:
        """Return the highest resource version ever committed."""
        return self._state()[0]

    def floor(self) -> int:
        """Return the version after which every change is still here."""
        return self._state()[1]

    def rows(self) -> Iterator[Row]:
        """Yield every version of every object that is kept, oldest first.

        Raises
        ------
        JournalCorruptError
            If a row cannot be read as it was written.
        """
        try:
            for *fields, deleted, checksum in self._db.execute(
                f"SELECT {_COLUMNS} FROM objects ORDER BY version"  # noqa: S608 - constant
            ):
                row = Row._make((*fields, bool(deleted)))
                if checksum not in (None, row.checksum):
                    what = f"{row.resource} {row.namespace}/{row.name} at version {row.version}"
                    raise JournalCorruptError(self.path, f"{what} is not what was written")
                yield row
        except sqlite3.Error as error:
            raise self._error(error) from error

    def stage(self, rows: Sequence[Row], forgotten: Sequence[int], last_version: int, floor: int) -> None:
        """Begin a transaction that adds rows and removes those at the ``forgotten`` versions.

        Raises
        ------
        JournalError
            If the database refuses; nothing is kept then.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                f"INSERT INTO objects ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constant
                [(*row, row.checksum) for row in rows],
            )
            self._db.executemany("DELETE FROM objects WHERE version = ?", [(old,) for old in forgotten])
            self._db.execute("UPDATE state SET last_version = ?, floor = ?", (last_version, floor))
        except sqlite3.Error as error:
            self.rollback()
            raise self._error(error) from error

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
            raise self._error(error) from error

    def commit_in_background(self) -> asyncio.Future[None]:
        """Commit on a thread of its own; the future is done, or has failed, as `commit` would."""
        return asyncio.get_running_loop().run_in_executor(self._thread, self.commit)

    def rollback(self) -> None:
        """Drop what was staged."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Write the log back into the database and let go of it."""
        self._thread.shutdown()
        self._db.close()

    def _state(self) -> tuple[int, int]:
        try:
            last_version, floor = self._db.execute("SELECT last_version, floor FROM state").fetchone()
        except (sqlite3.Error, TypeError) as error:
            raise JournalCorruptError(self.path, f"its last version cannot be read: {error}") from error
        return int(last_version), int(floor)

    def _error(self, error: sqlite3.Error) -> JournalError:
        cause = str(error)
        if any(sign in cause for sign in _CORRUPT):
            return JournalCorruptError(self.path, cause)
        if getattr(error, "sqlite_errorname", "") in _FULL_CODES:
            return JournalFullError(self.path, cause)
        return JournalError(self.path, cause)
