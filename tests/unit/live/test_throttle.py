import asyncio
import itertools

from kubelab.live import Throttle


async def test_many_requests_make_few_calls_and_the_last_is_not_lost() -> None:
    loop = asyncio.get_running_loop()
    calls: list[float] = []
    newest = 0
    seen_last = asyncio.Event()

    def call() -> None:
        calls.append(loop.time())
        if newest == 100:
            seen_last.set()

    throttle = Throttle(call, interval_s=0.05)
    async with asyncio.timeout(5):
        for newest in range(1, 101):  # noqa: B007 - read by call
            throttle.request()
            await asyncio.sleep(0.001)
        await seen_last.wait()
    assert all(later - earlier >= 0.049 for earlier, later in itertools.pairwise(calls))
    assert len(calls) < 50


async def test_a_cancelled_request_is_not_carried_out() -> None:
    calls: list[int] = []
    throttle = Throttle(lambda: calls.append(1), interval_s=0.0)
    throttle.request()
    throttle.cancel()
    await asyncio.sleep(0.01)
    assert calls == []
    throttle.request()
    await asyncio.sleep(0.01)
    assert calls == [1]
