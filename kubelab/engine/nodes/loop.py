"""A small event loop for a process that forks: file descriptors, child processes, timers.

asyncio would leave tasks and a running loop behind in every forked child; this one holds nothing but a
selector, which a child simply lets go of.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import selectors
from collections.abc import Callable
from dataclasses import dataclass, field

from kubelab.clock import monotonic

Callback = Callable[[], None]


@dataclass(order=True)
class Timer:
    """A call to be made at a time; `cancel` takes it back."""

    due_s: float
    order: int
    callback: Callback | None = field(compare=False)

    def cancel(self) -> None:
        """Do not make the call."""
        self.callback = None


class Loop:
    """Calls back on readable descriptors, ended children and timers until stopped."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[Timer] = []
        self._order = itertools.count()
        self._children: set[int] = set()
        self._running = True

    def read(self, fd: int, callback: Callback) -> None:
        """Call whenever ``fd`` is readable or closed at the other end."""
        self._selector.register(fd, selectors.EVENT_READ, callback)

    def write(self, fd: int, callback: Callback) -> None:
        """Call whenever ``fd`` can be written to or is closed at the other end."""
        self._selector.register(fd, selectors.EVENT_WRITE, callback)

    def unwatch(self, fd: int) -> None:
        """Stop watching ``fd``."""
        self._selector.unregister(fd)

    def forget(self, fd: int) -> None:
        """Stop watching ``fd`` and close it."""
        self._selector.unregister(fd)
        os.close(fd)

    def when_ended(self, pid: int, callback: Callback) -> None:
        """Call once when a child process has ended; the callback reaps it."""
        fd = os.pidfd_open(pid)
        self._children.add(pid)

        def ended() -> None:
            self.forget(fd)
            self._children.discard(pid)
            callback()

        self.read(fd, ended)

    def ended_orphan(self) -> int:
        """Return the pid of an ended child that nobody waits for, such as one that was adopted; 0 if none."""
        with contextlib.suppress(ChildProcessError):
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is not None and found.si_pid not in self._children:
                return found.si_pid
        return 0

    def now(self) -> float:
        """Return seconds from an arbitrary start."""
        return monotonic()

    def after(self, delay_s: float, callback: Callback) -> Timer:
        """Call once after ``delay_s`` seconds."""
        timer = Timer(monotonic() + max(delay_s, 0.0), next(self._order), callback)
        heapq.heappush(self._timers, timer)
        return timer

    def stop(self) -> None:
        """Return from `run` after the calls in hand, or at once if it has not begun."""
        self._running = False

    def close(self) -> None:
        """Let go of everything, in a forked child."""
        self._running = False
        self._selector.close()
        self._timers.clear()

    def run_on(self) -> None:
        """Run again after `stop`, until the next."""
        self._running = True
        self.run()

    def run(self) -> None:
        """Run until `stop`, which may have been called already."""
        while self._running:
            for key, _ in self._selector.select(self._wait_s()):
                if self._selector.get_map().get(key.fd) == key:  # an earlier call may have forgotten it
                    key.data()
            self._fire()

    def _wait_s(self) -> float | None:
        while self._timers and self._timers[0].callback is None:
            heapq.heappop(self._timers)
        return max(self._timers[0].due_s - monotonic(), 0.0) if self._timers else None

    def _fire(self) -> None:
        now = monotonic()
        while self._timers and self._timers[0].due_s <= now:
            callback = heapq.heappop(self._timers).callback
            if callback is not None:
                callback()
