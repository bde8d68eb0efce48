"""`History`: samples kept in an SQLite file of the user's, for clusters without Prometheus."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from kubelab.errors import KubelabError
from kubelab.usage.cleaning import clean
from kubelab.usage.samples import Sample
from kubelab.usage.series import ContainerKey, Usage, UsageSeries

USAGE_FILE = "usage.sqlite"
"""In the folder of a lab cluster, where its own process keeps it."""

KEPT = timedelta(days=15)
"""Longer than the longest look back of a strategy but krr's, which looks at 14 days."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS containers (
    id INTEGER PRIMARY KEY, namespace TEXT, pod TEXT, container TEXT, kind TEXT, controller TEXT, node TEXT,
    UNIQUE (namespace, pod, container, kind, controller, node)
);
CREATE TABLE IF NOT EXISTS samples (
    container INTEGER, at REAL, cpu_cores REAL, memory_bytes REAL, PRIMARY KEY (container, at)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS samples_at ON samples (at);
"""


class HistoryError(KubelabError):
    """The file cannot be used.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(f"the history of use in {path} cannot be read: {problem}. Remove it to begin anew.")


class History:
    """A source that knows what was added to it; one writes and several may read.

    Parameters
    ----------
    path : Path, optional
        The file, made for the user alone if it is not there; in memory unless given.

    Raises
    ------
    HistoryError
        If there is such a file and it is no history.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._ids: dict[ContainerKey, int] = {}
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=30)
        try:
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise HistoryError(path or Path(":memory:"), str(error)) from error

    def add(self, samples: Iterable[Sample]) -> None:
        """Keep samples; of two of one container and time the last counts."""
        with self._lock, self._connection as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?)",
                [(self._id(each.container), each.at, each.cpu_cores, each.memory_bytes) for each in samples],
            )

    def prune(self, before: datetime) -> None:
        """Forget what is older."""
        with self._lock, self._connection as connection:
            connection.execute("DELETE FROM samples WHERE at < ?", (before.timestamp(),))
            connection.execute("DELETE FROM containers WHERE id NOT IN (SELECT container FROM samples)")
            self._ids.clear()

    async def read(self, start: datetime, end: datetime, *, namespace: str | None = None) -> Usage:
        """Return what was kept of a window; its end does not belong to it."""
        import numpy as np

        series: list[UsageSeries] = []
        missing: list[str] = []
        for key, rows in self._rows(start.timestamp(), end.timestamp(), namespace):
            times, cpu, memory = np.array(rows, dtype=np.float64).T
            cleaned = clean(times, cpu, now=end.timestamp())
            series.append(UsageSeries(key, "cpu", cleaned.times, cleaned.values))
            held = clean(times, memory, now=end.timestamp())
            series.append(UsageSeries(key, "memory", held.times, held.values))
            name = f"{key.namespace}/{key.pod}/{key.container}"
            missing += [f"{name}: {problem}" for problem in cleaned.problems()]
        first = min((float(each.times[0]) for each in series if len(each.times)), default=None)
        if first is None:
            missing.append("nothing was recorded in this window")
        return Usage(tuple(series), tuple(missing))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def _rows(
        self, start: float, end: float, namespace: str | None
    ) -> list[tuple[ContainerKey, list[tuple[float, float, float]]]]:
        """Return time, cores and bytes by container, in order of the containers' names and of time."""
        found: dict[int, list[tuple[float, float, float]]] = {}
        with self._lock:
            query = "SELECT container, at, cpu_cores, memory_bytes FROM samples WHERE at >= ? AND at < ?"
            for container, *row in self._connection.execute(f"{query} ORDER BY container, at", (start, end)):
                found.setdefault(container, []).append((row[0], row[1], row[2]))
            containers = self._connection.execute("SELECT * FROM containers ORDER BY 2, 3, 4, 5, 6, 7")
            keys = {row[0]: ContainerKey(*row[1:]) for row in containers}
        wanted = {at: key for at, key in keys.items() if namespace in {None, key.namespace}}
        return [(key, found[at]) for at, key in wanted.items() if at in found]

    def _id(self, key: ContainerKey) -> int:
        if key not in self._ids:
            row = (key.namespace, key.pod, key.container, key.controller_kind, key.controller_name, key.node)
            self._connection.execute("INSERT OR IGNORE INTO containers VALUES (NULL, ?, ?, ?, ?, ?, ?)", row)
            where = "namespace=? AND pod=? AND container=? AND kind=? AND controller=? AND node=?"
            found = self._connection.execute(f"SELECT id FROM containers WHERE {where}", row)  # noqa: S608
            self._ids[key] = int(found.fetchone()[0])
        return self._ids[key]
