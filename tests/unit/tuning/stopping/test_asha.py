"""Decisions of asha against cases computed by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kubelab.tuning import EarlyStopping, Problem, Report, Space, Stop, TrialRecord, uniform, verdict
from kubelab.tuning.errors import UnknownNameError
from tests.unit.tuning.searches import reports, trial

NAN = math.nan


def problem(direction: Any = "minimize", **settings: str) -> Problem:
    settings = {"min_resource": "1", "eta": "3", **settings}
    return Problem(Space({"lr": uniform(0, 1)}), "loss", direction, algorithm="asha", settings=settings)


def climber(number: int, values: list[float], time: float, state: Any = "Running") -> TrialRecord:
    """A trial that reports at steps 1, 2, 3 and so on, a second apart from ``time``."""
    return TrialRecord(f"t{number}", number, {}, state, {"loss": reports(values, time=time)})


def decide(problem: Problem, trials: list[TrialRecord]) -> list[int | None]:
    """At which step each trial is stopped, or None."""
    stops = [verdict(problem, each, [other for other in trials if other is not each]) for each in trials]
    return [stop.step if stop else None for stop in stops]


def test_of_those_that_came_to_a_rung_until_then_the_best_third_goes_on() -> None:
    # At rung 1, in the order of their times, of 1, 2, ... 6 values: the best max(n // 3, 1) go on.
    #   5 of {5}: goes on.         4 of {5, 4}: the best, goes on.   6 of {5, 4, 6}: not the best, stops.
    #   3 of {5, 4, 6, 3}: best.   3.5 of five: 1 goes on, stops.    3.2 of six: 2 go on (3, 3.2), goes on.
    first = [5.0, 4.0, 6.0, 3.0, 3.5, 3.2]
    trials = [climber(number, [value], time=10.0 * number) for number, value in enumerate(first)]
    assert decide(problem(), trials) == [None, None, 1, None, 1, None]


def test_the_verdict_does_not_change_when_others_come_later() -> None:
    early, late = climber(0, [5.0], time=0.0), climber(1, [1.0], time=50.0)
    assert verdict(problem(), early, []) is None
    assert verdict(problem(), early, [late, late, late]) is None
    assert verdict(problem(), climber(0, [5.0], time=60.0), [late]) is not None


def test_rungs_are_powers_of_eta_from_the_first() -> None:
    good = [climber(number, [0.0] * 30, time=0.0) for number in range(3)]
    worse = climber(9, [0.0] * 8 + [9.0] * 30, time=100.0)
    # Worse from step 9 on, which is a rung from 1 (1, 3, 9), not from 2 (2, 6, 18).
    assert decide(problem(), [*good, worse])[-1] == 9
    assert decide(problem(min_resource="2"), [*good, worse])[-1] == 18
    assert decide(problem(eta="2"), [*good, worse])[-1] == 16
    assert decide(problem(min_resource="100"), [*good, worse])[-1] is None


def test_a_trial_that_reports_now_and_then_is_judged_by_its_first_report_at_a_rung_or_after() -> None:
    others = [climber(number, [1.0] * 12, time=0.0) for number in range(3)]
    sparse = TrialRecord("t9", 9, {}, "Running", {"loss": (Report(2, 0.5, 50.0), Report(10, 2.0, 60.0))})
    stop = verdict(problem(), sparse, others)
    # 0.5 at step 2 passes rung 1; 2.0 at step 10 is its value at rungs 3 and 9.
    assert stop == Stop(
        10, "asha", "step 10: loss 2 is not among the best 1 of 4 trials at rung 3 (1 or less)"
    )


def test_nothing_is_stopped_at_or_after_max_resource() -> None:
    good = [climber(number, [0.0] * 9, time=0.0) for number in range(3)]
    worse = climber(9, [0.0] * 8 + [9.0], time=100.0)
    assert decide(problem(max_resource="10"), [*good, worse])[-1] == 9
    assert decide(problem(max_resource="9"), [*good, worse])[-1] is None


def test_more_is_better_where_the_objective_is_maximized() -> None:
    trials = [climber(number, [value], time=float(number)) for number, value in enumerate([1.0, 3.0, 2.0])]
    assert decide(problem("maximize"), trials) == [None, None, 1]
    stop = verdict(problem("maximize"), trials[2], trials[:2])
    assert stop is not None
    assert stop.reason == "step 1: loss 2 is not among the best 1 of 3 trials at rung 1 (3 or more)"


def test_nan_at_a_rung_stops_a_trial_and_does_not_compete() -> None:
    lost = climber(0, [NAN], time=0.0, state="EarlyStopped")
    stop = verdict(problem(), climber(1, [NAN], time=1.0), [])
    assert stop == Stop(1, "asha", "step 1: loss is NaN")
    assert verdict(problem(), climber(2, [5.0], time=2.0), [lost, lost, lost]) is None
    # Between rungs it does not matter.
    assert verdict(problem(), climber(3, [1.0, NAN, 1.0], time=3.0), []) is None


def test_without_a_first_rung_it_is_a_hundredth_of_the_longest_succeeded_trial() -> None:
    auto = Problem(Space({"lr": uniform(0, 1)}), "loss", early_stopping=EarlyStopping("asha"))
    bad = climber(9, [9.0] * 20, time=100.0)
    running = [climber(number, [0.0] * 500, time=0.0) for number in range(3)]
    assert verdict(auto, bad, running) is None
    ended = [climber(number, [0.0] * 500, time=0.0, state="Succeeded") for number in range(3)]
    stop = verdict(auto, bad, ended)
    assert stop is not None
    assert stop.step == 5


def test_the_first_at_a_rung_end_there_where_it_is_asked_for() -> None:
    stop = verdict(problem(bootstrap_count="2"), climber(0, [0.0], time=0.0), [])
    assert stop is not None
    assert stop.reason == "step 1: loss 0 is one of the first 2 at rung 1, which all end there"
    others = [climber(number, [1.0], time=0.0) for number in range(2)]
    assert verdict(problem(bootstrap_count="2"), climber(2, [0.0], time=1.0), others) is None


def test_the_rule_may_go_with_another_algorithm() -> None:
    stopping = EarlyStopping("asha", {"min_resource": "1"})
    tpe = Problem(Space({"lr": uniform(0, 1)}), "loss", algorithm="tpe", early_stopping=stopping)
    assert verdict(tpe, climber(1, [9.0], time=5.0), [climber(0, [1.0], time=0.0)]) is not None
    plain = Problem(Space({"lr": uniform(0, 1)}), "loss", algorithm="tpe")
    assert verdict(plain, climber(1, [9.0], time=5.0), [climber(0, [1.0], time=0.0)]) is None


def test_an_unknown_rule_is_refused_with_those_that_there_are() -> None:
    unknown = Problem(Space({"lr": uniform(0, 1)}), "loss", early_stopping=EarlyStopping("patience"))
    with pytest.raises(
        UnknownNameError, match=r"early stopping 'patience' is not known. .* asha,.* medianstop"
    ):
        verdict(unknown, trial(0, [1.0], "Running"), [])


def test_a_trial_that_ended_at_a_rung_does_not_compete_at_the_next_though_its_report_lies_beyond() -> None:
    def jumper(number: int, value: float, time: float) -> TrialRecord:
        return TrialRecord(f"t{number}", number, {}, "EarlyStopped", {"loss": (Report(5, value, time),)})

    first, bad, good = jumper(0, 1.0, 0.0), jumper(1, 9.0, 1.0), climber(2, [0.5, 0.5, 3.0], time=2.0)
    # The second one's report at step 5 ended it at rung 1: at rung 3 are only the first and the last.
    stop = verdict(problem(), good, [first, bad])
    assert stop is not None
    assert stop.reason == "step 3: loss 3 is not among the best 1 of 2 trials at rung 3 (1 or less)"
