"""The sync face of async code: one background event loop for everything a notebook calls.

A notebook's own loop is busy while a cell runs, so the library keeps a loop of its own in a daemon
thread and waits for it; Ctrl-C cancels what was waited for.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from functools import cache
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_CLEAN_UP_S = 5.0
_starting = threading.Lock()


def loop() -> asyncio.AbstractEventLoop:
    """Return the background loop, starting its thread the first time."""
    with _starting:  # a widget's callbacks come on a thread of their own
        return _loop()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    started = asyncio.new_event_loop()
    threading.Thread(target=started.run_forever, name="kubelab", daemon=True).start()
    return started


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the background loop and return its result.

    Ctrl-C cancels it, and is raised once the coroutine has let go of what it held.
    """
    __tracebackhide__ = True
    work = _Work(coroutine)
    try:
        loop().call_soon_threadsafe(work.start)
        return work.result()
    except BaseException as error:
        if not work.ended.is_set():
            loop().call_soon_threadsafe(work.cancel)
            work.ended.wait(_CLEAN_UP_S)
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from None  # how the wait was built is of no use to who ends it
        raise


class _Work(Generic[T]):
    """A coroutine on its way through the loop; only `result` and `ended` are for other threads."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.ended = threading.Event()
        self._coroutine = coroutine
        self._task: asyncio.Task[T] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._coroutine)
        self._task.add_done_callback(self._on_end)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:
            self._coroutine.close()
            self.ended.set()

    def result(self) -> T:
        self.ended.wait()
        assert self._task is not None  # noqa: S101 - it ended, so it was started
        return self._task.result()

    def _on_end(self, task: asyncio.Task[T]) -> None:
        if not task.cancelled():
            task.exception()  # seen, also where Ctrl-C keeps `result` from raising it
        self.ended.set()


def iterate(items: AsyncIterator[T]) -> Iterator[T]:
    """Iterate over an async iterator from sync code; closing the generator closes it too."""
    try:
        while True:
            try:
                yield run(_next(items))
            except StopAsyncIteration:
                return
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            run(close())


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)
