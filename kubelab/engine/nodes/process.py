"""Forks a container's process (or a probe's) and reports its output, start and end to the loop."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from kubelab.engine.nodes import linux
from kubelab.engine.nodes.loop import Loop

_CHUNK = 1 << 16


class Become(BaseException):
    """Unwinds a forked child to the top of the program, where it becomes the container."""

    def __init__(self, entry: Callable[[], NoReturn]) -> None:
        self.entry = entry


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What the owner of a process wants to know.

    Attributes
    ----------
    output : callable
        ``output(stream, data)`` with ``stdout`` or ``stderr``.
    started : callable
        ``started(error)``: None once the command runs, else why it could not be started.
    ended : callable
        ``ended(status)`` after the last output, with a wait status (`os.waitstatus_to_exitcode`).
    """

    output: Callable[[str, bytes], None]
    started: Callable[[str | None], None]
    ended: Callable[[int], None]


class Process:
    """One forked child.

    Parameters
    ----------
    child : callable
        Runs in the child, in its own session with its streams in place. It executes a program, or
        raises `Become`; what else it raises is reported through ``started``.
    """

    def __init__(self, loop: Loop, child: Callable[[], None], callbacks: Callbacks) -> None:
        self._loop = loop
        self._callbacks = callbacks
        self._started = False
        self._outputs: dict[int, str] = {}
        parent = os.getpid()
        pipes = [os.pipe(), os.pipe(), os.pipe()]
        self.pid = os.fork()
        if self.pid == 0:
            _child(parent, child, [write for _, write in pipes])
        for read, write in pipes:
            os.close(write)
            os.set_blocking(read, False)
        (out, _), (err, _), (self._errors, _) = pipes
        for fd, stream in ((out, "stdout"), (err, "stderr")):
            self._outputs[fd] = stream
            loop.read(fd, partial(self._on_readable, fd))
        loop.read(self._errors, self._on_errors)
        loop.when_ended(self.pid, self._on_end)

    def signal(self, number: int) -> None:
        """Signal the process, which is not reaped yet."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def _on_readable(self, fd: int) -> None:
        self._read(fd)

    def _read(self, fd: int) -> bool:
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._callbacks.output(self._outputs[fd], data)
        else:
            del self._outputs[fd]
            self._loop.forget(fd)
        return bool(data)

    def _on_errors(self) -> None:
        if self._started:
            return
        self._started = True
        data = os.read(self._errors, _CHUNK)
        self._loop.forget(self._errors)
        self._callbacks.started(json.loads(data) if data else None)

    def _on_end(self) -> None:
        self._on_errors()
        for fd in list(self._outputs):
            while fd in self._outputs and self._read(fd):
                pass
        _, status = os.waitpid(self.pid, 0)
        for fd in list(self._outputs):
            self._loop.forget(fd)
        self._outputs.clear()
        self._callbacks.ended(status)


def _child(parent: int, child: Callable[[], None], writes: list[int]) -> None:
    """Finish the fork in the child; leaves by exec, by `Become` or by ending."""
    out, err, errors = writes
    try:
        os.setsid()
        linux.die_with_parent(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(137)
        null = os.open(os.devnull, os.O_RDONLY)
        for fd, number in ((null, 0), (out, 1), (err, 2)):
            os.dup2(fd, number)
        close_descriptors(kept=errors)
        child()
    except Become as become:
        os.close(errors)
        raise become from None
    except BaseException as error:  # noqa: BLE001 - whatever it is, the supervisor must learn of it
        os.write(errors, json.dumps(_wording(error)).encode())
        os._exit(128)


def _wording(error: BaseException) -> str:
    return str(error) or type(error).__name__


def close_descriptors(kept: int = 2) -> None:
    """Close what this process inherited, but for its standard streams and one descriptor."""
    for fd in [int(name) for name in os.listdir("/proc/self/fd")]:  # noqa: PTH208 - no paths needed
        if fd > 2 and fd != kept:
            with contextlib.suppress(OSError):
                os.close(fd)


def execute(argv: list[str], env: dict[str, str]) -> NoReturn:
    """Replace this process by a program found on the environment's own PATH.

    Raises
    ------
    FileNotFoundError, PermissionError
        Worded as runc words it.
    """
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    missing = f'exec: "{argv[0]}": executable file not found in $PATH'
    try:
        os.execvpe(argv[0], argv, env)  # noqa: S606 - running commands is what a node does
    except FileNotFoundError:
        if "/" in argv[0]:
            missing = f'exec: "{argv[0]}": stat {argv[0]}: no such file or directory'
        raise FileNotFoundError(missing) from None
    except PermissionError:
        raise PermissionError(f'exec: "{argv[0]}": permission denied') from None
