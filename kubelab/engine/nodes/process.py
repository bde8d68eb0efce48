"""Forks a container's process (or a probe's) and reports its output, start and end to the loop."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import signal
import termios
from collections.abc import Callable
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Streams:
    """The standard streams of a child, which takes them.

    Attributes
    ----------
    stdin, stdout, stderr : int
        Descriptors; one may stand for several.
    outputs : dict of int to str
        What to read here, and as which stream.
    terminal : bool
        Whether they are a terminal, which shall control the child's session.
    """

    stdin: int
    stdout: int
    stderr: int
    outputs: dict[int, str] = field(default_factory=dict)
    terminal: bool = False


def piped(stdin: int | None = None) -> Streams:
    """Return streams whose output is read here; without a standard input there is nothing to read."""
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    given = os.open(os.devnull, os.O_RDONLY) if stdin is None else stdin
    return Streams(given, out_end, err_end, {out: "stdout", err: "stderr"})


class Process:
    """One forked child.

    Parameters
    ----------
    child : callable
        Runs in the child, in its own session with its streams in place. It executes a program, or
        raises `Become`; what else it raises is reported through ``started``.
    streams : Streams, optional
        Nothing to read, and pipes to us, unless given.
    """

    def __init__(
        self, loop: Loop, child: Callable[[], None], callbacks: Callbacks, streams: Streams | None = None
    ) -> None:
        self._loop = loop
        self._callbacks = callbacks
        self._started = False
        self._paused = False
        streams = streams or piped()
        self._outputs = dict(streams.outputs)
        parent = os.getpid()
        self._errors, errors_end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _child(parent, child, streams, errors_end)
        for fd in {streams.stdin, streams.stdout, streams.stderr, errors_end}:
            os.close(fd)
        os.set_blocking(self._errors, False)
        for fd in self._outputs:
            os.set_blocking(fd, False)
            loop.read(fd, partial(self._on_readable, fd))
        loop.read(self._errors, self._on_errors)
        loop.when_ended(self.pid, self._on_end)

    def pause(self) -> None:
        """Read no output until `resume`; a child that writes on waits."""
        if not self._paused:
            self._paused = True
            for fd in self._outputs:
                self._loop.unwatch(fd)

    def resume(self) -> None:
        """Read output again."""
        if self._paused:
            self._paused = False
            for fd in self._outputs:
                self._loop.read(fd, partial(self._on_readable, fd))

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
        except OSError as error:
            if error.errno != errno.EIO:  # which is how a terminal says that nobody has it open any more
                raise
            data = b""
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
        self.resume()
        self._on_errors()
        for fd in list(self._outputs):
            while fd in self._outputs and self._read(fd):
                self.resume()  # whoever asked for the pause gets the rest as well
        _, status = os.waitpid(self.pid, 0)
        for fd in list(self._outputs):
            self._loop.forget(fd)
        self._outputs.clear()
        self._callbacks.ended(status)


def _child(parent: int, child: Callable[[], None], streams: Streams, errors: int) -> None:
    """Finish the fork in the child; leaves by exec, by `Become` or by ending."""
    try:
        os.setsid()
        linux.die_with_parent(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(137)
        _set_streams(streams)
        close_descriptors(kept=errors)
        child()
    except Become as become:
        os.close(errors)
        raise become from None
    except BaseException as error:  # noqa: BLE001 - whatever it is, the supervisor must learn of it
        os.write(errors, json.dumps(_wording(error)).encode())
        os._exit(128)


def _set_streams(streams: Streams) -> None:
    above = [fcntl.fcntl(fd, fcntl.F_DUPFD, 3) for fd in (streams.stdin, streams.stdout, streams.stderr)]
    for number, fd in enumerate(above):
        os.dup2(fd, number)
    if streams.terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


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
