"""Decisions of medianstop against cases computed by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kubelab.tuning import (
    EarlyStopping,
    Problem,
    Report,
    Space,
    StoppingRule,
    TrialRecord,
    rules_for_new_trial,
    uniform,
    verdict,
)
from kubelab.tuning.errors import SettingError, UnknownNameError
from tests.unit.tuning.searches import trial

NAN = math.nan
# The averages of their first four values are 2, 3 and 4; later values do not count.
SUCCEEDED = [
    trial(0, [3.0, 2.0, 2.0, 1.0, 0.0, 0.0]),
    trial(1, [4.0, 3.0, 3.0, 2.0]),
    trial(2, [5.0, 4.0, 4.0, 3.0, 9.0]),
]


def problem(direction: Any = "minimize", **settings: str) -> Problem:
    stopping = EarlyStopping("medianstop", settings)
    return Problem(Space({"lr": uniform(0, 1)}), "loss", direction, early_stopping=stopping)


def running(*values: float, **fields: Any) -> TrialRecord:
    return trial(9, values, "Running", **fields)


def test_the_bound_is_the_mean_of_the_means_of_the_first_values() -> None:
    assert rules_for_new_trial(problem(), SUCCEEDED) == (StoppingRule("loss", 3.0, "greater", 4, trials=3),)
    assert rules_for_new_trial(problem("maximize"), SUCCEEDED)[0].comparison == "less"
    # The first values only: (3 + 4 + 5) / 3.
    assert rules_for_new_trial(problem(start_step="1"), SUCCEEDED)[0].value == 4.0


def test_the_bound_is_a_mean_though_it_is_called_a_median() -> None:
    far = [trial(0, [0.0]), trial(1, [0.0]), trial(2, [9.0])]
    assert rules_for_new_trial(problem(start_step="1"), far)[0].value == 3.0


def test_there_is_no_bound_until_enough_trials_have_succeeded() -> None:
    assert rules_for_new_trial(problem(), SUCCEEDED[:2]) == ()
    assert rules_for_new_trial(problem(min_trials_required="2"), SUCCEEDED[:2]) != ()
    others = [
        *SUCCEEDED[:2],
        *(trial(5, [1.0] * 4, state) for state in ("Failed", "EarlyStopped", "Running")),
    ]
    assert rules_for_new_trial(problem(), others) == ()


def test_a_trial_that_is_worse_is_stopped_with_the_figures() -> None:
    slow = (Report(50, 3.5), Report(100, 3.4), Report(150, 3.3), Report(200, 3.1))
    record = TrialRecord("t9", 9, {}, "Running", {"loss": slow})
    stop = verdict(problem(), record, SUCCEEDED)
    assert stop is not None
    assert (stop.step, stop.rule) == (200, "medianstop")
    assert stop.reason == "step 200: loss 3.1 is worse than the median 3 of 3 trials"


def test_the_best_value_so_far_is_compared_and_equal_is_not_worse() -> None:
    assert verdict(problem(), running(9.0, 2.9, 9.0, 9.0), SUCCEEDED) is None
    assert verdict(problem(), running(9.0, 9.0, 9.0, 3.0), SUCCEEDED) is None
    assert verdict(problem(), running(9.0, 9.0, 9.0, 3.001), SUCCEEDED) is not None


def test_more_is_better_where_the_objective_is_maximized() -> None:
    assert verdict(problem("maximize"), running(2.0, 2.0, 3.1, 2.0), SUCCEEDED) is None
    stop = verdict(problem("maximize"), running(2.0, 2.9, 2.0, 2.0), SUCCEEDED)
    assert stop is not None
    assert stop.reason == "step 4: loss 2.9 is worse than the median 3 of 3 trials"


def test_the_rule_is_tested_with_report_number_start_step_and_no_other() -> None:
    assert verdict(problem(), running(9.0, 9.0, 9.0), SUCCEEDED) is None
    # Too late a recovery does not help, and a later decline does not hurt.
    assert verdict(problem(), running(9.0, 9.0, 9.0, 9.0, 0.1), SUCCEEDED) is not None
    assert verdict(problem(), running(9.0, 9.0, 9.0, 1.0, 9.0, 9.0), SUCCEEDED) is None


def test_a_trial_keeps_the_bound_that_it_was_created_with() -> None:
    kept = (StoppingRule("loss", 5.0, "greater", 4, trials=7),)
    assert verdict(problem(), running(4.0, 4.0, 4.0, 4.0, rules=kept), SUCCEEDED) is None
    stop = verdict(problem(), running(6.0, 6.0, 6.0, 6.0, rules=kept), SUCCEEDED)
    assert stop is not None
    assert "median 5 of 7 trials" in stop.reason
    # It was created before enough others had succeeded.
    assert verdict(problem(), running(9.0, 9.0, 9.0, 9.0, rules=()), SUCCEEDED) is None


def test_nan_is_left_out_of_averages_and_stops_a_trial_that_has_nothing_else() -> None:
    with_nan = [*SUCCEEDED[:2], trial(2, [NAN, 4.0, NAN, 4.0]), trial(3, [NAN] * 4)]
    assert rules_for_new_trial(problem(), with_nan)[0].value == 3.0
    assert verdict(problem(), running(NAN, NAN, 2.0, NAN), SUCCEEDED) is None
    stop = verdict(problem(), running(NAN, NAN, NAN, NAN), SUCCEEDED)
    assert stop is not None
    assert stop.reason == "step 4: loss was NaN in all 4 reports"


def test_only_a_trial_that_runs_is_stopped() -> None:
    for state in ("Created", "Succeeded", "Failed", "EarlyStopped"):
        assert verdict(problem(), trial(9, [9.0] * 4, state), SUCCEEDED) is None


def test_settings_are_checked_with_the_names_that_there_are() -> None:
    with pytest.raises(
        SettingError, match=r"min_trials_required cannot be '0'. Use a whole number of at least 1"
    ):
        verdict(problem(min_trials_required="0"), running(1.0), [])
    with pytest.raises(
        UnknownNameError, match=r"setting of medianstop 'steps' .*: min_trials_required, start_step"
    ):
        verdict(problem(steps="3"), running(1.0), [])
