from __future__ import annotations

import asyncio

import pytest

from kubelab.engine.scheduler.queue import SchedulingQueue
from kubelab.scheduling.snapshot import PodInfo
from tests.unit.scheduling.objects import Cluster, pod


class Time:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def queue(time: Time) -> SchedulingQueue:
    return SchedulingQueue(time)


def info(name: str, priority: int = 0) -> PodInfo:
    return Cluster().info(pod(name, priority=priority))


def names(queue: SchedulingQueue) -> list[str]:
    out = []
    while waiting := queue.next_ready():
        out.append(waiting.pod.name)
    return out


def test_higher_priority_comes_first_then_first_come(queue: SchedulingQueue) -> None:
    for name, priority in (("a", 0), ("b", 5), ("c", 0), ("d", 5)):
        queue.add(info(name, priority))
    assert names(queue) == ["b", "d", "a", "c"]


def test_a_parked_pod_waits_for_a_change(queue: SchedulingQueue, time: Time) -> None:
    queue.add(info("a"))
    waiting = queue.next_ready()
    assert waiting
    queue.park(waiting, frozenset({"NodeResourcesFit"}))
    time.seconds += 60
    assert names(queue) == []
    queue.move(waiting)
    assert names(queue) == ["a"]


def test_back_off_doubles_from_one_second_to_ten(queue: SchedulingQueue, time: Time) -> None:
    queue.add(info("a"))
    delays = []
    for _ in range(6):
        waiting = queue.next_ready()
        assert waiting
        queue.retry(waiting)
        delays.append(waiting.backoff_s)
        time.seconds += waiting.backoff_s - 0.001
        assert queue.next_ready() is None
        time.seconds += 0.002
    assert delays == [1, 2, 4, 8, 10, 10]


def test_a_pod_that_is_gone_is_not_handed_out(queue: SchedulingQueue) -> None:
    queue.add(info("a"))
    queue.remove("uid-default-a")
    assert names(queue) == []


def test_a_pod_that_changed_is_tried_again_and_once(queue: SchedulingQueue, time: Time) -> None:
    queue.add(info("a"))
    waiting = queue.next_ready()
    assert waiting
    queue.park(waiting, frozenset())
    time.seconds += 2
    queue.add(info("a", priority=7))
    queue.add(info("a", priority=7))
    assert names(queue) == ["a"]
    assert waiting.pod.priority == 7


def test_a_pod_unschedulable_for_five_minutes_is_tried_again(queue: SchedulingQueue, time: Time) -> None:
    queue.add(info("a"))
    waiting = queue.next_ready()
    assert waiting
    queue.park(waiting, frozenset())
    time.seconds += 299
    queue.release_stale()
    assert names(queue) == []
    time.seconds += 2
    queue.release_stale()
    assert names(queue) == ["a"]


def test_activate_skips_the_back_off(queue: SchedulingQueue) -> None:
    queue.add(info("a"))
    waiting = queue.next_ready()
    assert waiting
    queue.park(waiting, frozenset())
    queue.activate("uid-default-a")
    assert names(queue) == ["a"]


async def test_wait_returns_when_a_pod_comes_or_its_back_off_ends() -> None:
    queue = SchedulingQueue(asyncio.get_running_loop().time)
    waits = asyncio.create_task(queue.wait())
    await asyncio.sleep(0)
    assert not waits.done()
    queue.add(info("a"))
    await asyncio.wait_for(waits, 5)
    waiting = queue.next_ready()
    assert waiting
    queue.retry(waiting)
    await asyncio.wait_for(queue.wait(), 5)
    assert names(queue) == ["a"]
