from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from kubelab.live.importance_work import ImportanceWork
from kubelab.sweeps.view import SweepView
from kubelab.tuning import Problem, TrialRecord
from tests.unit.engine.controllers.sweeps import experiment
from tests.unit.tuning.searches import trial

EMPTY = SweepView.of(experiment(), None, [], [])


def view(ended: int, running: int = 0) -> SweepView:
    records = [
        trial(number, [1.0], "Succeeded" if number < ended else "Running")
        for number in range(ended + running)
    ]
    return replace(EMPTY, records=tuple(records))


class Computed:
    """Stands for the computation; it records when it was asked for what."""

    def __init__(self, interval_s: float = 0.05) -> None:
        self.asked: list[int] = []
        self.times_s: list[float] = []
        self.fault: Exception | None = None
        self.news = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.work = ImportanceWork(self._on_done, compute=self._compute, interval_s=interval_s)
        self.finished = 0

    def _compute(self, problem: Problem, trials: Sequence[TrialRecord]) -> Mapping[str, float]:
        self.asked.append(sum(each.has_ended for each in trials))
        self.times_s.append(self.loop.time())
        if self.fault:
            raise self.fault
        return {"lr": float(len(self.asked))}

    def _on_done(self) -> None:
        self.finished += 1
        self.news.set()

    async def until(self, finished: int) -> None:
        async with asyncio.timeout(20):
            while self.finished < finished:
                self.news.clear()
                await self.news.wait()


async def a_few_turns() -> None:
    """Let the loop do what is due."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_nothing_is_computed_until_a_trial_has_ended() -> None:
    computed = Computed(interval_s=0)
    for seen in (view(0, running=3), view(1, running=3)):
        computed.work.offer(seen)
        await a_few_turns()
    await computed.until(1)
    computed.work.offer(view(1, running=4))
    await a_few_turns()
    computed.work.offer(view(2))
    await computed.until(2)
    assert computed.asked == [1, 2]
    assert computed.work.latest == {"lr": 2.0}


async def test_what_ends_meanwhile_is_counted_in_the_next_computation() -> None:
    computed = Computed()
    for ended in range(1, 30):
        computed.work.offer(view(ended))
        await asyncio.sleep(0.005)
    while computed.asked[-1] < 29:
        await computed.until(computed.finished + 1)
    assert len(computed.asked) < 29
    assert all(later - earlier > 0.045 for earlier, later in pairwise(computed.times_s))


async def test_what_cannot_be_computed_leaves_what_was_known() -> None:
    computed = Computed()
    computed.work.offer(view(1))
    await computed.until(1)
    computed.fault = ValueError("unforeseen")
    computed.work.offer(view(2))
    await computed.until(2)
    assert computed.work.latest == {"lr": 1.0}


async def test_nothing_is_computed_after_stop() -> None:
    computed = Computed()
    computed.work.offer(view(1))
    await computed.work.stop()
    await asyncio.sleep(0.02)
    assert computed.asked == []
