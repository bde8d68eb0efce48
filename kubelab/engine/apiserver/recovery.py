"""From a damaged journal, a new one with what can be read; the damaged files are kept beside it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kubelab.engine.apiserver.journal import PAGE_BYTES, Journal, JournalCorruptError, Row

_FILES = ("", "-wal", "-shm")
_COLUMNS = "version, resource, namespace, name, body, deleted, checksum"
_LEAP_VERSIONS = 1000
"""How far the new journal's versions start beyond the last readable one: some after it may have been lost."""

_HIGHEST_VERSION = 2**40
_MOST_FAILURES = 20_000
"""Where the table's own root cannot be read, nothing can: no use in asking for every row."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What came of it: the damaged file as it is kept, and how many objects were read from it."""

    kept: Path
    objects: int


def is_damaged(path: Path) -> bool:
    """Tell whether a journal cannot be read to its end."""
    if not path.exists():
        return False
    try:
        with contextlib.closing(Journal(path)) as journal:
            journal.last_version()
            for row in journal.rows():
                orjson.loads(row.body)
    except (JournalCorruptError, orjson.JSONDecodeError):
        return True
    return False


def recover(path: Path) -> Recovery:
    """Move a damaged journal aside and write a new one from its readable rows.

    An object whose last version cannot be read comes back at the one before, if that was still kept.
    Watches cannot be resumed across a recovery.
    """
    kept = _move_aside(path)
    latest: dict[tuple[str, str, str], Row] = {}
    last_version = 0
    for row in _readable(kept):
        latest[row.resource, row.namespace, row.name] = row
        last_version = max(last_version, row.version)
    rows = sorted(row for row in latest.values() if not row.deleted)
    last_version += _LEAP_VERSIONS
    with contextlib.closing(Journal(path)) as journal:
        journal.stage(rows, [], last_version, last_version)
        journal.commit()
    return Recovery(kept, len(rows))


def _move_aside(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in _FILES:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{kept}{suffix}")
    return kept


def _readable(kept: Path) -> Iterator[Row]:
    """Yield every row that is as it was written, by a copy that SQLite may change."""
    copy = kept.with_name(kept.name + ".reading")
    for suffix in _FILES:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{copy}{suffix}").write_bytes(Path(f"{kept}{suffix}").read_bytes())
            Path(f"{copy}{suffix}").chmod(0o600)
    try:
        if not _opens(copy):
            _replace_head(copy)
        with contextlib.closing(sqlite3.connect(copy)) as db:
            yield from _rows(db)
    finally:
        for suffix in _FILES:
            Path(f"{copy}{suffix}").unlink(missing_ok=True)


def _rows(db: sqlite3.Connection) -> Iterator[Row]:
    """Yield the rows in order of version, going around the pages that cannot be read."""
    query = f"SELECT {_COLUMNS} FROM objects WHERE version BETWEEN ? AND ? ORDER BY version"  # noqa: S608
    ranges, failures = [(0, _HIGHEST_VERSION)], 0
    while ranges and failures < _MOST_FAILURES:
        low, high = ranges.pop()
        try:
            found = db.execute(query, (low, high)).fetchall()
        except sqlite3.Error:
            failures += 1
            if low < high:
                middle = (low + high) // 2
                ranges += [(middle + 1, high), (low, middle)]
            continue
        yield from filter(None, map(_sound, found))


def _sound(values: tuple[Any, ...]) -> Row | None:
    """Return a row if it is as it was written: a damaged page may hold anything."""
    *fields, deleted, checksum = values
    try:
        row = Row._make((*fields, bool(deleted)))
        orjson.loads(row.body)
    except (TypeError, orjson.JSONDecodeError):
        return None
    return row if checksum in (None, row.checksum) else None


def _opens(copy: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(copy)) as db:
            return bool(db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'objects'").fetchone()[0])
    except sqlite3.Error:
        return False


def _replace_head(copy: Path) -> None:
    """Give a file a new first page: every journal has the same one but for its size."""
    fresh = copy.with_name(copy.name + ".head")
    Journal(fresh).close()
    head = bytearray(fresh.read_bytes()[:PAGE_BYTES])
    fresh.unlink()
    body = copy.read_bytes()[PAGE_BYTES:]
    head[28:32] = (1 + len(body) // PAGE_BYTES).to_bytes(4, "big")  # the header's size in pages
    head[92:96] = head[24:28]  # that size is valid for this change counter
    copy.write_bytes(bytes(head) + body)
