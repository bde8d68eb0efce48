"""What a cell asks about what containers really use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubelab import portal
from kubelab.client import Client
from kubelab.clock import Clock, RealClock
from kubelab.usage.history import USAGE_FILE
from kubelab.verbs.handle import Handle

if TYPE_CHECKING:
    import pandas as pd

    from kubelab.usage.history import History
    from kubelab.usage.series import UsageSource


class UsageVerbs(Handle):
    """The verbs about use."""

    _history: History | None = None
    _recording: Future[None] | None = None

    def record_usage(self, *, every_s: float = 60) -> None:
        """Keep what containers use from now on, as long as this cluster is not closed.

        A lab cluster does so by itself, in its own process. What is kept of another one is in a file of the
        user's, and is still there the next time.

        Parameters
        ----------
        every_s : float
            How often to look; metrics.k8s.io itself is seldom newer than 15 seconds.

        Raises
        ------
        HistoryError
            If there is such a file and it is damaged.
        """
        from kubelab.usage.history import History
        from kubelab.usage.recording import record

        if self._history is not None or self._lab_history() is not None:
            return
        self._history = history = History(self._history_path())
        self._begin(lambda client, clock: record(client, history, clock, every_s=every_s))

    def usage(
        self, *, hours: float = 24, namespace: str | None = None, source: UsageSource | None = None
    ) -> pd.DataFrame:
        """Return what containers used, oldest first within each container.

        Its columns are those of a recording (`kubelab.usage.recorded.Recorded`): ``to_csv`` makes one.

        Parameters
        ----------
        hours : float
            How far to look back.
        namespace : str, optional
            Only this one; all unless given.
        source : UsageSource, optional
            Who knows; what was recorded unless given, else metrics.k8s.io, which knows the last minute.

        Returns
        -------
        DataFrame
            time (UTC), namespace, pod, container, controller_kind, controller_name, node, cpu_cores,
            memory_bytes; NaN where only one is known. ``attrs["missing"]`` says what could not be read.
        """
        from kubelab.usage.frame import usage_frame

        now = self._now()
        read = (source or self.usage_source()).read(
            now - timedelta(hours=hours), now + timedelta(seconds=1), namespace=namespace
        )
        return usage_frame(portal.run(read))

    def usage_source(self) -> UsageSource:
        """Return who knows best what containers used: what was recorded, else metrics.k8s.io."""
        from kubelab.usage.history import History
        from kubelab.usage.samples import LastMinute

        if self._history is None and (path := self._lab_history() or self._history_path()) and path.exists():
            self._history = History(path)
        return self._history or LastMinute(self.client)

    def _lab_history(self) -> Path | None:
        """Return the file that the cluster's own process writes; None if there is none."""
        folder = self.client.folder
        if self.engine not in {"embedded", "binaries"} or folder is None:
            return None
        return folder / USAGE_FILE

    def _history_path(self) -> Path | None:
        folder = self.client.folder
        return folder / f"{self.client.cluster}.{USAGE_FILE}" if folder is not None else None

    def _begin(self, work: Callable[[Client, Clock], Coroutine[Any, Any, None]]) -> None:
        """Let work go on in the background until the cluster is closed."""
        self._recording = asyncio.run_coroutine_threadsafe(work(self.client, RealClock()), portal.loop())

    def _end_recording(self) -> None:
        if self._recording is not None:
            self._recording.cancel()
        if self._history is not None:
            self._history.close()
        self._recording = self._history = None
