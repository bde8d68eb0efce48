"""The node's end of the warm parent: starts it, asks it for supervisors, replaces it when it is killed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import orjson

from kubelab.clock import monotonic
from kubelab.engine.nodes.processes import record

logger = logging.getLogger(__name__)

_EXPECTED_START_S = 4.0
_RETRY_S = 1.0


class WarmParent:
    """A process that forks supervisors which have JAX imported (see `warm`).

    Parameters
    ----------
    state_dir : Path
        Where its record is kept.
    node : str
        The node's name.
    """

    def __init__(self, state_dir: Path, node: str) -> None:
        self._record = state_dir / f"warm-{node}.json"
        self._log = state_dir / f"warm-{node}.log"
        self._ready = asyncio.Event()
        self._asking = asyncio.Lock()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._began_s = 0.0
        self.pid: int | None = None

    @property
    def ready(self) -> bool:
        """Whether it has imported everything."""
        return self._ready.is_set()

    async def run(self) -> None:
        """Keep one running until cancelled."""
        while True:
            process = await self._start()
            try:
                await process.wait()
            finally:
                self._forget()
                with contextlib.suppress(ProcessLookupError):
                    if process.returncode is None:
                        process.kill()
            logger.info("the warm parent ended (%s); another starts", process.returncode)
            await asyncio.sleep(_RETRY_S)

    async def supervise(self, directory: Path, *, patient: bool) -> int:
        """Have a supervisor forked for a pod and return its pid, or 0 if a cold start is sooner.

        Parameters
        ----------
        patient : bool
            Whether a cold start would have to import the same, so that waiting is sooner.
        """
        if not self._ready.is_set() and patient and self.pid is not None:
            left_s = self._began_s + _EXPECTED_START_S - monotonic()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ready.wait(), max(left_s, 0.0))
        if not self._ready.is_set() or self._writer is None or self._reader is None:
            return 0
        try:
            async with self._asking, asyncio.timeout(2.0):
                self._writer.write(orjson.dumps({"directory": str(directory)}) + b"\n")
                return await _answer(self._reader, str(directory))
        except (OSError, TimeoutError) as error:
            logger.warning("the warm parent does not answer: %r", error)
            return 0

    async def _start(self) -> asyncio.subprocess.Process:
        ours, theirs = socket.socketpair()
        self._log.touch(0o600)
        with self._log.open("ab") as log, theirs:
            process = await asyncio.create_subprocess_exec(
                *python_command("warm"),
                stdin=theirs.fileno(),
                stdout=log,
                stderr=subprocess.STDOUT,
                env=python_environment(),
                start_new_session=True,
            )
        self._began_s = monotonic()
        self.pid = process.pid
        record(self._record, process.pid)
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        self._waiting = asyncio.create_task(self._await_ready(self._reader))
        return process

    async def _await_ready(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            if await reader.readline():
                self._ready.set()

    def _forget(self) -> None:
        self._ready.clear()
        self._waiting.cancel()
        self.pid = None
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None
        self._record.unlink(missing_ok=True)


async def _answer(reader: asyncio.StreamReader, directory: str) -> int:
    """Return the pid for a pod, or 0; answers that came too late for an earlier pod are passed over."""
    while line := await reader.readline():
        answer = orjson.loads(line)
        if answer["directory"] == directory:
            return int(answer["pid"])
    return 0


async def start_cold(directory: Path) -> int:
    """Start a supervisor in an interpreter of its own and return its pid."""
    process = await asyncio.create_subprocess_exec(
        *python_command("pod_process"),
        str(directory),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=python_environment(),
        start_new_session=True,
    )
    return process.pid


def python_command(module: str) -> list[str]:
    """Return the command line of a module of the pod side."""
    return [sys.executable, "-P", "-m", f"kubelab.engine.nodes.{module}"]


_ONE_THREAD = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""Where pyarrow is, scikit-learn imports it; its allocator would keep a thread, which no fork survives."""


def python_environment() -> dict[str, str]:
    """Return an environment without anything that would change what libraries do when imported."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | _ONE_THREAD
