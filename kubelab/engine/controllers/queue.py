"""A work queue of object keys, as client-go's: each key once, one worker at a time, back-off on failure."""

from __future__ import annotations

import asyncio

from kubelab.informer import Key

# client-go's DefaultTypedControllerRateLimiter: 5 ms doubling; capped lower here, a lab is small.
BASE_DELAY_S = 0.005
MAX_DELAY_S = 30.0


class WorkQueue:
    """Keys waiting to be reconciled.

    A key added while it waits is not added again; one added while it is worked on is handed out once
    more when that is done.
    """

    def __init__(self) -> None:
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._waiting: set[Key] = set()
        self._working: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: Key) -> None:
        """Hand the key out as soon as a worker is free."""
        if key in self._waiting:
            return
        self._waiting.add(key)
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
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, min(BASE_DELAY_S * 2.0 ** min(failures, 20), MAX_DELAY_S))

    def forget(self, key: Key) -> None:
        """Start the back-off over: the key was reconciled."""
        self._failures.pop(key, None)

    async def get(self) -> Key:
        """Return the next key; call `done` with it afterwards."""
        key = await self._ready.get()
        self._waiting.discard(key)
        self._working.add(key)
        return key

    def done(self, key: Key) -> None:
        """Let the key be handed out again."""
        self._working.discard(key)
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
