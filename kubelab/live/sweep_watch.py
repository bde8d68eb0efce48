"""`SweepWatch`: one sweep, watched through the API; what changed comes out at most ten times a second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import replace

from kubelab.errors import KubelabError
from kubelab.live.importance_work import ImportanceWork
from kubelab.live.snapshot import Point
from kubelab.live.sweep_history import SweepHistory
from kubelab.live.sweep_snapshot import (
    SweepSnapshot,
    SweepUpdate,
    TrialRow,
    TrialSeries,
    sweep_snapshot,
    trial_row,
)
from kubelab.live.throttle import INTERVAL_S, Throttle
from kubelab.sweeps.errors import SweepError
from kubelab.sweeps.reading import SweepReader
from kubelab.sweeps.view import SweepView

_log = logging.getLogger(__name__)


class SweepWatch:
    """Watches a sweep with its trials and what they report, on the loop that `start` runs on.

    Parameters
    ----------
    reader : SweepReader
        Reads the sweep; a handle's is ``sweep.reader``.
    on_update : callable
        Called with a `SweepUpdate`, on the watch's loop, at most once an interval.
    interval_s : float
        The least time between two updates, in seconds.

    Attributes
    ----------
    fault : KubelabError or None
        Why it can watch no more: the sweep was deleted before it was seen, or cannot be understood.
    """

    def __init__(
        self,
        reader: SweepReader,
        on_update: Callable[[SweepUpdate], None],
        *,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self.name = reader.name
        self.fault: KubelabError | None = None
        self._reader = reader
        self._on_update = on_update
        self._interval_s = interval_s
        self._throttle = Throttle(self._publish, interval_s)
        self._importances = ImportanceWork(self._importances_changed)
        self._history = SweepHistory()
        self._snapshot: SweepSnapshot | None = None
        self._rows: dict[int, TrialRow] = {}
        self._changed: set[int] = set()
        self._first = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, patience_s: float = 5.0) -> None:
        """Begin to watch; returns once what exists has been read, or after ``patience_s`` seconds."""
        self._task = asyncio.get_running_loop().create_task(self._follow())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._first.wait()
        except BaseException:  # such as Ctrl-C in the cell that waits for this
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop watching; no update comes after this."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._importances.stop()
        self._throttle.cancel()

    def snapshot(self) -> SweepSnapshot | None:
        """Return what the sweep looks like now; None before the API server has answered."""
        return self._snapshot

    def trials(self) -> tuple[TrialRow, ...]:
        """Return every trial, by number."""
        return tuple(self._rows.values())

    def history(self) -> dict[TrialSeries, tuple[Point, ...]]:
        """Return every curve, of each metric and trial."""
        return self._history.history()

    def catch_up(self) -> dict[TrialSeries, tuple[Point, ...]]:
        """Return every curve; the updates that follow bring only what came after it."""
        self._history.take()
        return self._history.history()

    async def _follow(self) -> None:
        try:
            await self._read()
        except KubelabError as error:
            _log.warning("sweep %s is watched no more: %s", self.name, error)
            self.fault = error
            self._first.set()

    async def _read(self) -> None:
        async with aclosing(self._reader.views()) as views:
            async for view in views:
                if view is None:
                    self._deleted()
                else:
                    self._take(view)
                self._first.set()
                self._throttle.request()
                await asyncio.sleep(self._interval_s)  # reading a view costs more than not looking

    def _take(self, view: SweepView) -> None:
        self._importances.offer(view)
        self._snapshot = sweep_snapshot(view, self._importances.latest)
        for trial in view.trials:
            row = trial_row(trial, view.problem.parameters)
            if self._rows.get(trial.number) != row:
                self._rows[trial.number] = row
                self._changed.add(trial.number)
            self._history.update(trial.number, trial.reports)

    def _deleted(self) -> None:
        if self._snapshot is None:
            raise SweepError(f"sweep {self.name} was deleted. cluster.sweeps() lists those that there are.")
        self._snapshot = replace(self._snapshot, phase="Deleted", reason="")

    def _importances_changed(self) -> None:
        if self._snapshot is not None:
            self._snapshot = replace(self._snapshot, importances=self._importances.latest)
            self._throttle.request()

    def _publish(self) -> None:
        if self._snapshot is None:
            return
        changed, self._changed = self._changed, set()
        points, restarted = self._history.take()
        rows = tuple(self._rows[number] for number in sorted(changed))
        self._on_update(SweepUpdate(self._snapshot, rows, points, restarted))
