"""An asyncio loop whose time is virtual: when nothing can run, it jumps to the next timer.

Code on it waits as anywhere else, by ``asyncio.sleep`` and ``call_later``; a day of it passes as fast as
its work is done. Time stands still while a thread works for the loop, and never passes the moment that
`VirtualTimeLoop.advance` was told.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import selectors
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from kubelab.errors import ConnectionFailedError

T = TypeVar("T")


class SimulationClosedError(ConnectionFailedError):
    """The simulated cluster is no more."""

    remedy = "Nothing of it was kept; `Cluster.simulated` makes a new one."

    def __init__(self) -> None:
        super().__init__("the simulated cluster", "it was closed")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop for one thread; `advance`, `halt` and `admit` may be called from others."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._until_s = 0.0
        self._threads: deque[tuple[asyncio.Future[Any], asyncio.Future[Any]]] = deque()
        self._arrived: Future[None] | None = None
        self._visitors: deque[Visit[Any]] = deque()
        self._inside: dict[Visit[Any], None] = {}
        self._leaving: deque[Visit[Any]] = deque()
        super().__init__(_Selector(self._idle))

    def time(self) -> float:
        """Return seconds since the loop was made."""
        return self._now_s

    def advance(self, seconds: float, *, to_event_within: float = 0.0) -> Future[None]:
        """Let time pass; the future is done once nothing is left to do until then.

        Parameters
        ----------
        to_event_within : float
            Go on to the next timer if it lies later, but no longer than so many seconds.
        """
        arrived: Future[None] = Future()

        def begin() -> None:
            now_s = self._now_s
            due_s = min((timer.when() for timer in self._timers()), default=now_s + to_event_within)
            self._until_s = max(now_s + seconds, min(due_s, now_s + to_event_within))
            self._arrived = arrived

        self.call_soon_threadsafe(begin)
        return arrived

    def halt(self) -> None:
        """Let no more time pass."""

        def stand_still() -> None:
            self._until_s = self._now_s

        self.call_soon_threadsafe(stand_still)

    def admit(self, coroutine: Coroutine[Any, Any, T]) -> Visit[T]:
        """Run a coroutine from outside, in its turn.

        It begins when nothing else can run, and its outcome is told when all that it set off and that needs
        no time has been done. So what a caller does one after the other has the same effects in every run.
        """
        visit = Visit(coroutine)
        self._visitors.append(visit)
        try:
            self.call_soon_threadsafe(_wake)
        except RuntimeError:  # the loop is closed
            self._turn_away()
        return visit

    def dismiss(self, visit: Visit[Any]) -> None:
        """Cancel what was admitted: its caller does not wait any more."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.call_soon_threadsafe(visit.cancel)

    def close(self) -> None:
        """Close the loop; who still waits is told so."""
        super().close()
        self._see_off()
        for visit in self._inside:
            visit.outcome.set_exception(SimulationClosedError())
        self._inside.clear()
        self._turn_away()

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run a function on a thread; no time passes meanwhile.

        Its outcome is told when nothing else can run, and outcomes in the order in which they were asked for:
        else it would depend on the machine what comes first.
        """
        work = asyncio.ensure_future(super().run_in_executor(executor, func, *args))
        told: asyncio.Future[T] = self.create_future()
        told.add_done_callback(lambda _: work.cancel())
        self._threads.append((work, told))
        return told

    def _tell_of_threads(self) -> bool:
        """Tell the outcome of the work that was asked for first; False if it is not done."""
        work, told = self._threads[0]
        if not work.done():
            return False
        self._threads.popleft()
        if told.done():  # who waited was cancelled
            return True
        if work.cancelled():
            told.cancel()
        elif error := work.exception():
            told.set_exception(error)
        else:
            told.set_result(work.result())
        return True

    def _timers(self) -> list[asyncio.TimerHandle]:
        return [timer for timer in self._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]

    def _next_timer_s(self) -> float:
        """Return when the next timer is due; asyncio keeps them in a heap, whose head it has seen to."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return scheduled[0].when() if scheduled else math.inf

    def _idle(self) -> float | None:
        """Say how long to wait for the outside when nothing can run: not at all, or until it calls."""
        if self._threads:
            return 0.0 if self._tell_of_threads() else None
        self._see_off()
        if self._visitors:
            visit = self._visitors.popleft()
            if visit.begin(self, self._leaving.append):
                self._inside[visit] = None
            return 0.0
        due_s = self._next_timer_s()
        if due_s <= self._until_s:
            self._now_s = max(self._now_s, due_s)  # exactly: a rounded sum could fall short for ever
            return 0.0
        self._now_s = self._until_s
        if self._arrived is not None:
            arrived, self._arrived = self._arrived, None
            arrived.set_result(None)
        return None

    def _turn_away(self) -> None:
        while self._visitors:
            self._visitors.popleft().turn_away()

    def _see_off(self) -> None:
        while self._leaving:
            visit = self._leaving.popleft()
            del self._inside[visit]
            visit.tell()


class Visit(Generic[T]):
    """A coroutine from outside.

    Attributes
    ----------
    outcome : concurrent.futures.Future
        What its caller waits for.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.coroutine = coroutine
        self.outcome: Future[T] = Future()
        self.task: asyncio.Task[T] | None = None

    def begin(self, loop: VirtualTimeLoop, ended: Callable[[Visit[T]], None]) -> bool:
        """Start it on the loop; False if its caller has gone."""
        if not self.outcome.set_running_or_notify_cancel():
            self.coroutine.close()
            return False
        self.task = loop.create_task(self.coroutine)
        self.task.add_done_callback(lambda _: ended(self))
        return True

    def turn_away(self) -> None:
        """Tell its caller that it cannot begin any more."""
        self.coroutine.close()
        if self.outcome.set_running_or_notify_cancel():
            self.outcome.set_exception(SimulationClosedError())

    def cancel(self) -> None:
        """Cancel it, if it has begun."""
        if self.task is not None:
            self.task.cancel()

    def tell(self) -> None:
        """Hand the outcome over."""
        assert self.task is not None  # noqa: S101 - it ended, so it was begun
        if self.task.cancelled():
            self.outcome.set_exception(SimulationClosedError())
        elif error := self.task.exception():
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(self.task.result())


class _Selector(selectors.DefaultSelector):
    """Asks ``idle`` how long to wait, instead of waiting for a timer."""

    def __init__(self, idle: Callable[[], float | None]) -> None:
        super().__init__()
        self._idle = idle

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        return super().select(self._idle())


def _wake() -> None:
    """Do nothing: the call itself has woken the loop."""
