from __future__ import annotations

from kubelab.engine.nodes.loop import Loop


def test_a_loop_that_was_stopped_before_it_ran_returns_at_once() -> None:
    loop = Loop()
    called: list[str] = []
    loop.after(60.0, lambda: called.append("late"))
    loop.stop()
    loop.run()
    assert called == []


def test_timers_fire_in_order_until_stop() -> None:
    loop = Loop()
    called: list[int] = []
    loop.after(0.002, lambda: called.append(2))
    loop.after(0.001, lambda: called.append(1)).cancel()
    loop.after(0.003, loop.stop)
    loop.run()
    assert called == [2]
