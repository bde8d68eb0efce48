"""Whether and when containers start again."""

from __future__ import annotations

import pytest

from kubelab.engine.nodes.plan import ContainerPlan
from kubelab.engine.nodes.restarts import BackOff, go_duration, restarts


@pytest.mark.parametrize(
    ("policy", "exit_code", "again"),
    [
        ("Always", 0, True),
        ("Always", 1, True),
        ("OnFailure", 0, False),
        ("OnFailure", 1, True),
        ("Never", 1, False),
    ],
)
def test_restart_policy(policy: str, exit_code: int, again: bool) -> None:
    assert restarts(ContainerPlan("c", "i", ["x"], restart_policy=policy), exit_code) == again


def test_back_off_doubles_to_five_minutes() -> None:
    back_off, waits = BackOff(), []
    for _ in range(8):
        waits.append(back_off.next_s)
        back_off = back_off.after_start()
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]


def test_a_long_run_clears_the_back_off() -> None:
    back_off = BackOff(next_s=160.0)
    assert back_off.after_run(599.0) == back_off
    assert back_off.after_run(600.0).next_s == 0


@pytest.mark.parametrize(("duration_s", "text"), [(10, "10s"), (80, "1m20s"), (300, "5m0s")])
def test_durations_are_formatted_as_go_does(duration_s: float, text: str) -> None:
    assert go_duration(duration_s) == text
