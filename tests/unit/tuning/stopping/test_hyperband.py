"""Decisions of hyperband's stopping rule against cases computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from kubelab.tuning import (
    EarlyStopping,
    Problem,
    Space,
    Stop,
    TrialRecord,
    integer,
    suggest,
    uniform,
    verdict,
)
from kubelab.tuning.errors import SettingError
from kubelab.tuning.suggestion import check_algorithm
from tests.unit.tuning.searches import reports

# R = 9, eta = 3: trials 0 to 8 are in bracket 2 (rungs 1, 3), 9 to 13 in bracket 1 (rung 3), 14 to 16 in
# bracket 0 (no rung below 9).


def problem(direction: Any = "minimize", **settings: str) -> Problem:
    stopping = EarlyStopping("hyperband", {"max_resource": "9", **settings})
    return Problem(Space({"lr": uniform(0, 1)}), "loss", direction, early_stopping=stopping)


def climber(number: int, loss: float, steps: int, time: float) -> TrialRecord:
    return TrialRecord(f"t{number}", number, {}, "Running", {"loss": reports([loss] * steps, time=time)})


GOOD = [climber(number, 1.0, 9, time=0.0) for number in (0, 1, 2, 9, 10, 11, 14, 15, 16)]


def stopped_at(number: int, **settings: str) -> int | None:
    stop = verdict(problem(**settings), climber(number, 5.0, 8, time=100.0), GOOD)
    return stop.step if stop else None


def test_each_bracket_has_its_own_rungs() -> None:
    assert (stopped_at(3), stopped_at(8)) == (1, 1)
    assert (stopped_at(12), stopped_at(13)) == (3, 3)
    assert stopped_at(14) is None
    assert stopped_at(17) == 1


def test_trials_compete_within_their_bracket_only() -> None:
    others = [climber(number, 1.0, 9, time=0.0) for number in (9, 10, 11)]
    assert verdict(problem(), climber(3, 5.0, 8, time=100.0), others) is None


def test_the_reason_names_rung_and_bracket() -> None:
    assert verdict(problem(), climber(12, 5.0, 8, time=100.0), GOOD) == Stop(
        3,
        "hyperband",
        "step 3: loss 5 is not among the best 1 of 4 trials at rung 3 (1 or less) of bracket 1",
    )


def test_no_trial_is_stopped_before_min_resource() -> None:
    # R = 9, r = 3: bracket 1 has 3 trials (rung 3), bracket 0 has 2.
    assert stopped_at(5, min_resource="3") == 3
    assert stopped_at(3, min_resource="3") is None


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(SettingError, match="hyperband: min_resource cannot be 10, more than max_resource=9"):
        stopped_at(3, min_resource="10")
    bare = Problem(Space({"lr": uniform(0, 1)}), "loss", early_stopping=EarlyStopping("hyperband"))
    with pytest.raises(
        SettingError, match=r"max_resource is missing. Add it to the settings: max_resource must"
    ):
        verdict(bare, climber(0, 1.0, 1, 0.0), [])


def live(**settings: str) -> Problem:
    asked = {"max_resource": "9", **settings}
    return Problem(Space({"lr": uniform(0, 1)}), "loss", algorithm="hyperband", settings=asked)


def test_the_algorithm_in_steps_brings_the_rule_and_draws_at_random() -> None:
    stop = verdict(live(), climber(12, 5.0, 8, time=100.0), GOOD)
    assert stop == verdict(problem(), climber(12, 5.0, 8, time=100.0), GOOD)
    drawn = suggest(live(random_state="7"), [], 5)
    assert (len({each.parameters["lr"] for each in drawn.assignments}), drawn.exhausted) == (5, False)


def test_katibs_hyperband_stops_no_trial_that_runs() -> None:
    space = Space({"lr": uniform(0, 1), "epochs": integer(1, 9)})
    katibs = {"r_l": "9", "resource_name": "epochs"}
    asked = Problem(space, "loss", algorithm="hyperband", parallel=9, settings=katibs)
    assert verdict(asked, climber(12, 5.0, 8, time=100.0), GOOD) is None


def test_the_algorithm_refuses_a_first_step_beyond_the_last_before_it_begins() -> None:
    with pytest.raises(SettingError, match="min_resource cannot be 10"):
        check_algorithm(live(min_resource="10"))
