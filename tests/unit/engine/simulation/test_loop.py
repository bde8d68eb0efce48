"""Virtual time: what passes, what waits, and in which order things from outside come about."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from kubelab.engine.simulation.loop import VirtualTimeLoop

DAY_S = 86_400.0
PATIENCE_S = 30


class Running:
    """A loop in its thread, and what happened on it."""

    def __init__(self) -> None:
        self.loop = VirtualTimeLoop()
        self.seen: list[tuple[float, str]] = []
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def note(self, what: str) -> None:
        self.seen.append((self.loop.time(), what))

    async def note_after(self, seconds: float, what: str) -> str:
        await asyncio.sleep(seconds)
        self.note(what)
        return what

    async def begin(self, seconds: float, what: str) -> None:
        self._task = asyncio.create_task(self.note_after(seconds, what))

    def advance(self, seconds: float, within: float = 0.0) -> None:
        self.loop.advance(seconds, to_event_within=within).result(PATIENCE_S)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def running() -> Iterator[Running]:
    made = Running()
    yield made
    made.stop()


def test_days_pass_at_once_and_stop_where_they_were_told_to(running: Running) -> None:
    for days in (3, 1, 2):
        running.loop.admit(running.begin(days * DAY_S, f"day {days}")).outcome.result(PATIENCE_S)
    running.advance(2.5 * DAY_S)
    assert running.seen == [(DAY_S, "day 1"), (2 * DAY_S, "day 2")]
    assert running.loop.time() == 2.5 * DAY_S
    running.advance(DAY_S)
    assert running.seen[-1] == (3 * DAY_S, "day 3")


def test_time_stands_still_unless_told_otherwise(running: Running) -> None:
    sleeper = running.loop.admit(running.note_after(1.0, "woken"))
    assert running.loop.admit(asyncio.sleep(0, "answer")).outcome.result(PATIENCE_S) == "answer"
    assert running.loop.time() == 0.0
    assert not sleeper.outcome.done()
    running.advance(1.0)
    assert sleeper.outcome.result(PATIENCE_S) == "woken"


def test_time_goes_on_to_what_is_due_next(running: Running) -> None:
    running.loop.admit(running.begin(100.0, "due")).outcome.result(PATIENCE_S)
    running.advance(1.0, within=50.0)
    assert running.loop.time() == 50.0
    running.advance(1.0, within=500.0)
    assert running.seen == [(100.0, "due")]
    assert running.loop.time() == 100.0


def test_no_time_passes_while_a_thread_works(running: Running) -> None:
    release = threading.Event()

    async def work() -> float:
        await asyncio.to_thread(release.wait)
        return running.loop.time()

    try:
        visit = running.loop.admit(work())
        arrived = running.loop.advance(DAY_S)
        assert not visit.outcome.done()
        assert running.loop.time() == 0.0
    finally:
        release.set()
    assert visit.outcome.result(PATIENCE_S) == 0.0
    arrived.result(PATIENCE_S)
    assert running.loop.time() == DAY_S


def test_what_threads_found_is_told_in_the_order_of_asking_after_all_that_can_run(running: Running) -> None:
    second_is_done = threading.Event()

    async def work(what: str, function: Callable[[], object]) -> None:
        await asyncio.to_thread(function)
        running.note(what)

    async def busy() -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        running.note("loop")

    async def all_at_once() -> None:
        first = work("first", lambda: second_is_done.wait(PATIENCE_S))
        await asyncio.gather(first, work("second", second_is_done.set), busy())

    running.loop.admit(all_at_once()).outcome.result(PATIENCE_S)
    assert [what for _, what in running.seen] == ["loop", "first", "second"]


def test_a_failure_on_a_thread_is_told_too(running: Running) -> None:
    async def work() -> None:
        await asyncio.to_thread(int, "no number")

    with pytest.raises(ValueError, match="no number"):
        running.loop.admit(work()).outcome.result(PATIENCE_S)


def test_who_does_not_wait_for_a_thread_any_more_holds_up_nobody(running: Running) -> None:
    release = threading.Event()

    async def give_up() -> str:
        waiting = asyncio.create_task(asyncio.to_thread(release.wait, PATIENCE_S))
        await asyncio.sleep(0)
        waiting.cancel()
        release.set()
        return await asyncio.to_thread(lambda: "done")

    assert running.loop.admit(give_up()).outcome.result(PATIENCE_S) == "done"


def test_an_answer_comes_when_all_that_it_set_off_is_done(running: Running) -> None:
    tasks: list[asyncio.Task[None]] = []

    async def cascade(left: int) -> None:
        await asyncio.sleep(0)
        if left:
            tasks.append(asyncio.create_task(cascade(left - 1)))
        else:
            running.note("cascade")

    async def ask() -> None:
        tasks.append(asyncio.create_task(cascade(20)))

    first = running.loop.admit(ask())
    second = running.loop.admit(running.note_after(0, "second"))
    first.outcome.result(PATIENCE_S)
    assert running.seen[0] == (0.0, "cascade")
    second.outcome.result(PATIENCE_S)
    assert [what for _, what in running.seen] == ["cascade", "second"]


def test_an_error_is_raised_to_whoever_asked(running: Running) -> None:
    async def fail() -> None:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        running.loop.admit(fail()).outcome.result(PATIENCE_S)


def test_halting_ends_the_advance_early(running: Running) -> None:
    async def halt() -> None:
        await asyncio.sleep(10)
        running.loop.halt()

    asyncio.run_coroutine_threadsafe(halt(), running.loop)
    running.advance(DAY_S)
    assert running.loop.time() == 10.0


def test_a_wait_until_a_moment_that_no_sum_meets_still_ends(running: Running) -> None:
    """0.1 added up and an hour's thirds are never exact; a loop that asks the time again must get on."""

    async def wait_until(moment_s: float) -> float:
        while running.loop.time() < moment_s:  # noqa: ASYNC110 - the time is what is waited for
            await asyncio.sleep(moment_s - running.loop.time())
        return running.loop.time()

    visits = [running.loop.admit(wait_until(sum([0.1] * count) * 3600 / 7)) for count in range(1, 200)]
    running.advance(DAY_S)
    assert all(visit.outcome.result(PATIENCE_S) < DAY_S for visit in visits)
