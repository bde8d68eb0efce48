"""Starts the recorder of runs when a job or a sweep is there, and again should it die.

A cluster on which nothing runs pays nothing for it: the recorder ends by itself once all is kept.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import sys
from pathlib import Path

from kubelab.client import Object, Resource
from kubelab.clock import monotonic
from kubelab.informer import Informers

logger = logging.getLogger(__name__)

SWITCH = "KUBELAB_RECORDER"
"""The variable that with `OFF` switches recorders off, for as long as the control plane runs."""
OFF = "off"
_DELAY_S = 5.0
"""A job's first seconds are its own: the recorder's start would compete with its compilation."""


class Recording:
    """Keeps a recorder running while there is something to record.

    Parameters
    ----------
    informers : Informers
        Show jobs and sweeps.
    cluster : str
        The cluster's name.
    folder : Path
        Its state.
    """

    def __init__(self, informers: Informers, cluster: str, folder: Path) -> None:
        self._informers = informers
        self._cluster = cluster
        self._folder = folder
        self._directory = folder / "recorder"
        self._mark = self._directory / "wanted"
        self._wanted = asyncio.Event()
        self._seen_s = 0.0
        self._subscribed = False

    async def run(self) -> None:
        """Start a recorder whenever one is wanted; without MLflow, or switched off, there is none."""
        if os.environ.get(SWITCH) == OFF or importlib.util.find_spec("mlflow") is None:
            await asyncio.Event().wait()
        self._directory.mkdir(mode=0o700, exist_ok=True)
        await self._subscribe()
        if self._mark.exists():  # the control plane before this one ended while something went on
            self._wanted.set()
        while True:
            await self._wanted.wait()
            await asyncio.sleep(_DELAY_S)
            self._wanted.clear()
            await self._record()

    async def _subscribe(self) -> None:
        from kubelab.training.recorded import RECORDED

        if not self._subscribed:
            self._subscribed = True
            for resource in RECORDED:
                self._informers.of(resource).subscribe(
                    lambda old, new, resource=resource: self._on_change(resource, old, new)  # type: ignore[misc]
                )
            await self._informers.start()

    async def _record(self) -> None:
        from kubelab.engine.binaries.program import Program, ProgramEndedError

        command = [sys.executable, "-m", "kubelab.recorder"]
        command += ["--cluster", self._cluster, "--folder", str(self._folder)]
        program = Program(command, self._directory, name="recorder")
        try:
            await program.run()
        except ProgramEndedError as ended:
            if ended.code:
                logger.warning("%s", ended)
                self._wanted.set()
            elif monotonic() - self._seen_s > _DELAY_S:
                self._wanted.clear()  # it has seen all that happened before it chose to end
                self._mark.unlink(missing_ok=True)
        finally:
            await program.stop()

    def _on_change(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        from kubelab.training.recorded import has_ended, is_recorded

        if new is None or not is_recorded(resource, new):
            return
        if not has_ended(new) or (old is not None and not has_ended(old)):
            self._seen_s = monotonic()
            if not self._wanted.is_set():
                self._mark.touch(0o600)
            self._wanted.set()
