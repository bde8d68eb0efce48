import asyncio

from kubelab.engine.controllers.queue import WorkQueue
from kubelab.engine.measures import Measures
from tests.measured import numbers, total

KEY = ("default", "a")


async def test_a_key_is_handed_out_once_however_often_it_was_added() -> None:
    queue = WorkQueue()
    queue.add(KEY)
    queue.add(KEY)
    assert await queue.get() == KEY
    queue.done(KEY)
    assert len(queue) == 0


async def test_a_key_added_while_it_is_worked_on_comes_again_when_that_is_done() -> None:
    queue = WorkQueue()
    queue.add(KEY)
    await queue.get()
    queue.add(KEY)
    next_one = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not next_one.done()
    queue.done(KEY)
    assert await next_one == KEY


async def test_failures_delay_a_key_twice_as_long_each_time() -> None:
    loop, queue = asyncio.get_running_loop(), WorkQueue()
    delays = []
    for _ in range(4):
        before = loop.time()
        queue.retry(KEY)
        await queue.get()
        delays.append(loop.time() - before)
        queue.done(KEY)
    assert delays[3] > 0.04
    queue.forget(KEY)
    queue.retry(KEY)
    assert queue._timers[KEY].when() - loop.time() < 0.006
    queue.close()


async def test_the_earlier_of_two_delays_counts() -> None:
    loop, queue = asyncio.get_running_loop(), WorkQueue()
    queue.add_after(KEY, 60)
    queue.add_after(KEY, 30)
    queue.add_after(KEY, 90)
    assert queue._timers[KEY].when() - loop.time() < 31
    queue.add_after(KEY, 0)
    assert await queue.get() == KEY
    queue.close()


async def test_a_key_that_is_dropped_is_not_handed_out_later() -> None:
    loop, queue = asyncio.get_running_loop(), WorkQueue()
    queue.add_after(KEY, 60)
    timer = queue._timers[KEY]
    queue.drop(KEY)
    assert timer.cancelled()
    queue.add_after(KEY, 90)
    assert queue._timers[KEY].when() - loop.time() > 80
    queue.close()


async def test_a_queue_measures_its_keys_under_its_name() -> None:
    measures = Measures()
    queue, other = WorkQueue("job", measures), WorkQueue("node", measures)
    other.add(KEY)
    queue.add(KEY)
    queue.add(KEY)  # waits already
    await queue.get()
    queue.done(KEY)
    queue.retry(KEY)
    await queue.get()
    found = numbers(measures.text())
    assert total(found, "workqueue_adds_total", name="job") == 2
    assert total(found, "workqueue_adds_total", name="node") == 1
    assert total(found, "workqueue_retries_total", name="job") == 1
    assert total(found, "workqueue_queue_duration_seconds_count", name="job") == 2
    assert total(found, "workqueue_work_duration_seconds_count", name="job") == 1
