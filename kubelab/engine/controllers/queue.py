"""A work queue of object keys, as client-go's: each key once, one worker at a time, back-off on failure."""

from __future__ import annotations

import asyncio

from kubelab.clock import monotonic
from kubelab.engine.measures import Measures, exponential
from kubelab.informer import Key

# client-go's DefaultTypedControllerRateLimiter: 5 ms doubling; capped lower here, a lab is small.
BASE_DELAY_S = 0.005
MAX_DELAY_S = 30.0
_SECONDS = exponential(1e-5, 10, 7)


class WorkQueue:
    """Keys waiting to be reconciled.

    A key added while it waits is not added again; one added while it is worked on is handed out once
    more when that is done.

    Parameters
    ----------
    name : str
        What its measures are told under.
    """

    def __init__(self, name: str = "", measures: Measures | None = None) -> None:
        measures = measures or Measures()
        labels = ("name",)
        self._adds = measures.counters("workqueue_adds_total", "Keys added to a queue.", labels).of(name)
        self._retries = measures.counters(
            "workqueue_retries_total", "Keys to be tried again after a failure.", labels
        ).of(name)
        self._queued_s = measures.histograms(
            "workqueue_queue_duration_seconds", "Time that keys wait for a worker.", _SECONDS, labels
        ).of(name)
        self._worked_s = measures.histograms(
            "workqueue_work_duration_seconds", "Time that keys are worked on.", _SECONDS, labels
        ).of(name)
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._waiting: dict[Key, float] = {}
        self._working: dict[Key, float] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: Key) -> None:
        """Hand the key out as soon as a worker is free."""
        if key in self._waiting:
            return
        self._waiting[key] = monotonic()
        self._adds.value += 1
        if key not in self._working:
            self._ready.put_nowait(key)

    def add_after(self, key: Key, delay_s: float) -> None:
        """Add the key in ``delay_s`` seconds, or earlier if that was asked for before."""
        if delay_s <= 0:
            self.add(key)
            return
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= loop.time() + delay_s:
                return
            timer.cancel()
        self._timers[key] = loop.call_later(delay_s, self._due, key)

    def retry(self, key: Key) -> None:
        """Add the key after a delay that doubles with each failure in a row."""
        self._retries.value += 1
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, min(BASE_DELAY_S * 2.0 ** min(failures, 20), MAX_DELAY_S))

    def forget(self, key: Key) -> None:
        """Start the back-off over: the key was reconciled."""
        self._failures.pop(key, None)

    def drop(self, key: Key) -> None:
        """Do not hand the key out later: what it names is gone."""
        self.forget(key)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    async def get(self) -> Key:
        """Return the next key; call `done` with it afterwards."""
        key = await self._ready.get()
        now = monotonic()
        self._queued_s.observe(now - self._waiting.pop(key, now))
        self._working[key] = now
        return key

    def done(self, key: Key) -> None:
        """Let the key be handed out again."""
        now = monotonic()
        self._worked_s.observe(now - self._working.pop(key, now))
        if key in self._waiting:
            self._ready.put_nowait(key)

    def close(self) -> None:
        """Cancel the timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)
