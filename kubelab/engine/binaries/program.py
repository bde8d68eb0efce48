"""`Program`: one program of the control plane, kept running, that ends when this process does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from kubelab.engine.nodes import processes
from kubelab.errors import KubelabError

_LAUNCH = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
"""prctl(PR_SET_PDEATHSIG, SIGKILL): no program outlives a control plane that was killed."""

_END_S = 5.0


class ProgramEndedError(KubelabError):
    """A program of the control plane ended by itself."""

    def __init__(self, name: str, code: int, log: Path) -> None:
        self.name = name
        self.code = code
        self.log = log
        super().__init__(f"{name} ended with status {code}: {_last_line(log)}\nIts log is {log}.")


class Program:
    """One program.

    Parameters
    ----------
    command : list of str
        With its absolute path first.
    directory : Path
        Its working directory; its log and a record of its process are kept there.
    name : str, optional
        What those are called; as the program unless given.
    """

    def __init__(self, command: list[str], directory: Path, *, name: str = "") -> None:
        self.name = name or Path(command[0]).name
        self.log = directory / f"{self.name}.log"
        self._record = directory / f"{self.name}.json"
        self._command = command
        self._directory = directory
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process and running else None

    async def start(self) -> None:
        """Start it, once what was left of an earlier one is ended."""
        if left := processes.recorded(self._record):
            with contextlib.suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
            await asyncio.to_thread(processes.wait_for_end, {left}, _END_S)
        self.log.touch(0o600)
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-S", "-c", _LAUNCH, str(os.getpid())),
                *self._command,
                cwd=self._directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        processes.record(self._record, self._process.pid)

    async def run(self) -> None:
        """Wait while it runs, starting it if it does not.

        Raises
        ------
        ProgramEndedError
            When it ends.
        """
        if self.pid is None:
            await self.start()
        assert self._process is not None  # noqa: S101 - `start` has just set it
        code = await self._process.wait()
        raise ProgramEndedError(self.name, code, self.log)

    async def stop(self) -> None:
        """End it, by force where it does not within five seconds."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _END_S)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        self._record.unlink(missing_ok=True)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1][:500] if lines else "it wrote nothing"
