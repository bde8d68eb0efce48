"""A network of three namespaces, client, node and server, that vanishes with the process that made it.

Two may stand at once. Nothing in it has a name on the machine, so nothing is left to remove: what could
survive a ``kill -9`` is a process that the kernel has not ended yet, and `remove_stale` waits for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from kubelab.clock import monotonic
from kubelab.home import home
from kubelab.netlab.errors import LoadingFailedError, NetworkUnavailableError, StoppedError
from kubelab.netlab.tools import find
from kubelab.processes import start_ticks

_SCRIPT = Path(__file__).with_name("node.py")
_END_S = 30.0
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Loaded:
    """How a tool loaded a text: seconds on the clock and of processor time, and peak memory in bytes."""

    seconds: float
    cpu_seconds: float
    rss_bytes: int


@dataclass(frozen=True, slots=True)
class Probe:
    """Percentiles of ``connect`` in microseconds, and connections opened and closed per second."""

    p01: float
    p50: float
    p90: float
    p99: float
    per_s: float


class Network:
    """Client, node and server, joined by interfaces; a context manager.

    The kernel ends it with the thread that made it (``PR_SET_PDEATHSIG`` of prctl(2)).

    Parameters
    ----------
    root : bool
        Whether to make namespaces as root; otherwise inside a user namespace.
    timeout_s : float
        For one request; what takes longer is given up, and the network with it.
    stop : threading.Event, optional
        Another thread sets it to have whatever is waited for raise `StoppedError`.

    Raises
    ------
    NetworkUnavailableError
        If the machine does not allow it.
    """

    def __init__(self, *, root: bool, timeout_s: float = 120.0, stop: threading.Event | None = None) -> None:
        remove_stale()
        if (ip := find("ip")) is None:
            raise NetworkUnavailableError("The tool ip is missing: install iproute2.")
        self._timeout_s = timeout_s
        self._stop = stop
        privileges = "root" if root else "user"
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", str(_SCRIPT), str(os.getpid()), privileges, ip],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for us; we then end it
        )
        self._buffer = b""
        try:
            _write_note(self._process.pid)
            self._begin(root=root)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process that holds it."""
        return self._process.pid

    def load(self, argv: Sequence[str], text: str = "") -> Loaded:
        """Run a tool on the node with a text as its input.

        Raises
        ------
        LoadingFailedError
            If it fails or takes too long.
        """
        data = text.encode()
        answer = self._ask({"do": "load", "argv": list(argv), "size": len(data)}, data)
        return _loaded(answer, argv)

    def run(self, argv: Sequence[str]) -> Loaded:
        """Run a tool on the client."""
        return _loaded(self._ask({"do": "run", "argv": list(argv)}), argv)

    def probe(self, address: str, port: int, count: int) -> Probe:
        """Connect so often from the client, one after the other."""
        return Probe(**self._ask({"do": "probe", "address": address, "port": port, "count": count}))

    def close(self) -> None:
        """End every process of it, and with them its namespaces."""
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None  # noqa: S101
                pipe.close()
        with contextlib.suppress(OSError):
            _note_path(self._process.pid).unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, *, root: bool) -> None:
        try:
            self._read("the network", self._timeout_s)
        except OSError as error:
            raise NetworkUnavailableError(f"No network could be made: {error}. {_remedy(root)}") from error

    def _ask(self, request: dict[str, Any], data: bytes = b"") -> dict[str, Any]:
        assert self._process.stdin is not None  # noqa: S101
        tool = Path(request.get("argv", [request["do"]])[0]).name
        try:
            _write_all(self._process.stdin.fileno(), json.dumps(request).encode() + b"\n" + data)
            return self._read(tool, self._timeout_s)
        except OSError as error:
            raise LoadingFailedError(tool, str(error)) from error

    def _read(self, tool: str, timeout_s: float) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101
        until = monotonic() + timeout_s
        while b"\n" not in self._buffer:
            if not self._is_ready(self._process.stdout, until):
                raise LoadingFailedError(tool, f"it did not finish in {timeout_s:g} s")
            if not (part := os.read(self._process.stdout.fileno(), 65536)):
                raise OSError("the lab's process ended")
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise OSError(answer["error"])
        return answer

    def _is_ready(self, answers: IO[bytes], until: float) -> bool:
        """Wait until there is something to read, or until then in vain."""
        while (left_s := until - monotonic()) > 0:
            if self._stop is not None and self._stop.is_set():
                raise StoppedError
            wait_s = left_s if self._stop is None else min(left_s, _LOOK_S)
            if select.select([answers], [], [], wait_s)[0]:
                return True
        return False


def remove_stale() -> None:
    """End what a killed run left: only processes that its note names, and whose owner is gone.

    Raises
    ------
    NetworkUnavailableError
        If the kernel does not let go of one, which it may not before it has finished a large transaction.
    """
    for path in _notes().glob("*.json"):
        try:
            note = json.loads(path.read_text())
            pid, started = int(note["pid"]), int(note["started"])
            owner, owner_started = int(note["owner"]), int(note["owner_started"])
        except (OSError, ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
            continue
        if start_ticks(owner) == owner_started:
            continue
        _end(pid, started)
        path.unlink(missing_ok=True)


def _end(pid: int, started: int) -> None:
    """End a process, unless it is another one that only has the number."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if start_ticks(pid) != started:
            return
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        if not select.select([descriptor], [], [], _END_S)[0]:
            raise NetworkUnavailableError(
                f"A run that was killed still loads its rules (process {pid}). Try again in a minute."
            )
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)


def _write_note(pid: int) -> None:
    """Write down which process to end, should this one be killed."""
    path, owner = _note_path(pid), os.getpid()
    note = {"pid": pid, "started": start_ticks(pid), "owner": owner, "owner_started": start_ticks(owner)}
    half = path.with_suffix(".half")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        half.write_text(json.dumps(note))
        half.replace(path)  # another run may read it at any time
    except OSError as error:
        raise NetworkUnavailableError(
            f"{path.parent} cannot be written ({error.strerror}): set KUBELAB_HOME to a folder of yours."
        ) from error


def _notes() -> Path:
    return home() / ".netlab"


def _note_path(pid: int) -> Path:
    return _notes() / f"{pid}.json"


def _loaded(answer: dict[str, Any], argv: Sequence[str]) -> Loaded:
    if answer["code"]:
        said = next(iter(answer["stderr"].strip().splitlines()), f"exit code {answer['code']}")
        raise LoadingFailedError(Path(argv[0]).name, said)
    return Loaded(answer["seconds"], answer["cpu_seconds"], answer["rss_bytes"])


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _remedy(root: bool) -> str:
    if root:
        return "In a container root needs CAP_SYS_ADMIN; where user namespaces are allowed, pass root=False."
    return (
        "User namespaces may be turned off: the machine's owner allows them by `sysctl "
        "kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0`. Or run as root."
    )
