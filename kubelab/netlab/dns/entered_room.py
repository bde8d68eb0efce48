"""The process of `kubelab.netlab.dns.room`, as the one that started it sees it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
from typing import IO, Any

from kubelab.netlab.dns.errors import DnsLabError

_REMEDY = (
    "Use Linux with root, or with user namespaces (sysctl kernel.unprivileged_userns_clone=1, and no "
    "AppArmor restriction on them); `Counts.of_record()` and `DnsPanel` work without"
)


class EnteredRoom:
    """A room that was started as root or in a user namespace; it takes one order at a time.

    Attributes
    ----------
    libc : str
        Such as ``glibc 2.36``.
    privileges : str
        ``root`` or ``user namespace``.

    Raises
    ------
    DnsLabError
        If this machine cannot have it.
    """

    def __init__(self, root: bool | None) -> None:
        self._one_at_a_time = threading.Lock()
        self._process, self.libc, self.privileges = _enter(root)

    @property
    def pid(self) -> int:
        """The process that entered; the kernel ends the room with it."""
        return self._process.pid

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """Give an order and return its answer; end the room if that is interrupted."""
        with self._one_at_a_time:
            try:
                answer = _exchange(self._process, order)
            except BaseException:
                self.end()  # an interrupted order leaves an answer that nobody reads
                raise
        if "failed" in answer:
            raise DnsLabError(f"the DNS lab failed: {answer['failed']}", "Try again with a new DnsLab")
        return answer

    def end(self) -> None:
        """End the room and all in it; a second call does nothing."""
        _end(self._process)


def _enter(root: bool | None) -> tuple[subprocess.Popen[str], str, str]:
    """Start the room; return it, its libc and how it was entered."""
    if importlib.util.find_spec("dnslib") is None:
        raise DnsLabError("dnslib, which the DNS server is made of, is missing", "pip install kubelab[lab]")
    wanted = [True, False] if root is None and os.geteuid() == 0 else [bool(root)]
    refusals = []
    for as_root in wanted:
        way = "root" if as_root else "user namespace"
        command = [sys.executable, "-m", "kubelab.netlab.dns.room", str(os.getpid()), way]
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for us; we then end it
        )
        answer = json.loads(_of(process.stdout).readline() or "{}")
        if "ready" in answer:
            return process, answer["ready"], way
        refusals.append(f"{way}: {answer.get('refused') or _last(_of(process.stderr).read())}")
        _end(process)
    raise DnsLabError(f"this machine gives no namespaces ({'; '.join(refusals)})", _REMEDY)


def _exchange(process: subprocess.Popen[str], order: dict[str, Any]) -> dict[str, Any]:
    with contextlib.suppress(BrokenPipeError, ValueError):
        _of(process.stdin).write(json.dumps(order) + "\n")
        _of(process.stdin).flush()
        line = _of(process.stdout).readline()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
    raise DnsLabError(
        "the DNS lab has ended", "It was closed, or the thread that made it ended: make a new DnsLab"
    )


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()  # the kernel ends the first process of the namespaces with it, and all others with that
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        with contextlib.suppress(OSError):
            _of(stream).close()


def _of(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # noqa: S101 - every stream is a pipe
    return stream


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no word of why"])[-1]
