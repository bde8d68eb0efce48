"""At most so many calls a second, with the last one never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

INTERVAL_S = 0.1
"""Ten updates a second are as many as an eye follows; each costs a message to the page."""


class Throttle:
    """Calls a function soon after it was asked to, and at most once an interval.

    Belongs to one event loop; `request` must be called on it.

    Parameters
    ----------
    call : callable
        What to call.
    interval_s : float
        The least time between two calls, in seconds.
    """

    def __init__(self, call: Callable[[], None], interval_s: float = INTERVAL_S) -> None:
        self._call = call
        self._interval_s = interval_s
        self._earliest = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def request(self) -> None:
        """Have the function called: now if an interval has passed since the last call, else when it has."""
        if self._handle is None:
            loop = asyncio.get_running_loop()
            self._handle = loop.call_at(max(loop.time(), self._earliest), self._fire, loop)

    def cancel(self) -> None:
        """Forget what was requested."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._handle = None
        self._earliest = loop.time() + self._interval_s
        self._call()
