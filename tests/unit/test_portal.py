import asyncio
import signal
import threading
from collections.abc import AsyncIterator

import pytest

from kubelab import portal


async def _count(closed: list[bool]) -> AsyncIterator[int]:
    try:
        for number in range(3):
            await asyncio.sleep(0)
            yield number
    finally:
        closed.append(True)


def test_a_coroutine_runs_from_sync_code_and_raises_there() -> None:
    async def answer() -> int:
        return 42

    async def fail() -> None:
        raise LookupError("no")

    assert portal.run(answer()) == 42
    with pytest.raises(LookupError, match="no"):
        portal.run(fail())


def test_leaving_an_iteration_early_closes_the_source() -> None:
    closed: list[bool] = []
    numbers = portal.iterate(_count(closed))
    assert next(numbers) == 0
    numbers.close()
    assert closed == [True]


async def test_the_portal_works_while_the_notebooks_own_loop_runs() -> None:
    assert [portal.run(asyncio.sleep(0, "done")), *portal.iterate(_count([]))] == ["done", 0, 1, 2]


def test_ctrl_c_is_raised_once_the_source_has_let_go() -> None:
    let_go: list[bool] = []

    async def endless() -> AsyncIterator[int]:
        try:
            yield 0
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            let_go.append(True)

    numbers = portal.iterate(endless())
    assert next(numbers) == 0
    with pytest.raises(KeyboardInterrupt):
        next(numbers)
    assert let_go == [True]
