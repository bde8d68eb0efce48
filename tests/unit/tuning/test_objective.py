from __future__ import annotations

import math
from typing import Any

from kubelab.tuning import (
    Observation,
    Problem,
    Report,
    Space,
    TrialRecord,
    best_trial,
    is_goal_reached,
    objective_value,
    observe,
    uniform,
)
from tests.unit.tuning.searches import trial

NAN = math.nan


def problem(**fields: Any) -> Problem:
    return Problem(**{"parameters": Space({"lr": uniform(0, 1)}), "objective": "loss", **fields})


def test_katibs_three_values_are_kept_as_they_were_written() -> None:
    record = TrialRecord(
        "t",
        0,
        {},
        "Succeeded",
        {"loss": (Report(1, 0.5, text="0.50"), Report(2, 1e-05), Report(3, 2.0)), "other": (Report(1, 1.0),)},
    )
    assert observe(problem(additional_metrics=("accuracy",)), record) == (
        Observation("loss", min="1e-05", max="2.0", latest="2.0"),
        Observation("accuracy", *["unavailable"] * 3),
    )


def test_the_latest_value_is_the_one_with_the_latest_time() -> None:
    late_first = (Report(1, 1.0, time=20.0), Report(2, 2.0, time=10.0), Report(3, 3.0, time=20.0))
    (kept,) = observe(problem(), TrialRecord("t", 0, {}, reports={"loss": late_first[:2]}))
    assert kept.latest == "1.0"
    (kept,) = observe(problem(), TrialRecord("t", 0, {}, reports={"loss": late_first}))
    assert kept.latest == "3.0"


def test_nan_is_neither_minimum_nor_maximum() -> None:
    (kept,) = observe(problem(), trial(0, [NAN, 3.0, NAN, 1.0, math.inf, NAN]))
    assert kept == Observation("loss", min="1.0", max="+Inf", latest="NaN")
    (kept,) = observe(problem(), trial(0, [NAN, NAN]))
    assert kept == Observation("loss", "NaN", "NaN", "NaN")


def test_the_strategy_says_which_value_counts() -> None:
    record = trial(0, [3.0, 1.0, 2.0])
    assert objective_value(problem(), record) == 1.0
    assert objective_value(problem(direction="maximize"), record) == 3.0
    assert objective_value(problem(strategies={"loss": "latest"}), record) == 2.0
    assert objective_value(problem(), trial(0, [])) is None
    assert objective_value(problem(), trial(0, [NAN])) is None


def test_what_katib_kept_goes_before_the_reports() -> None:
    kept = (Observation("loss", "unavailable", "unavailable", "0.25"),)
    assert objective_value(problem(), trial(0, [3.0], observation=kept)) == 0.25


def test_the_best_trial_is_the_first_of_equals_and_never_nan() -> None:
    trials = [trial(0, [NAN]), trial(1, []), trial(2, [2.0]), trial(3, [1.0]), trial(4, [1.0])]
    assert best_trial(problem(), trials) is trials[3]
    assert best_trial(problem(direction="maximize"), trials) is trials[2]
    assert best_trial(problem(), trials[:2]) is None
    unfinished = [trial(5, [0.0], state) for state in ("Running", "Failed", "Killed", "MetricsUnavailable")]
    stopped = trial(6, [0.5], "EarlyStopped")
    assert best_trial(problem(), [*trials, *unfinished, stopped]) is stopped


def test_the_goal_is_reached_by_a_value_that_equals_it() -> None:
    trials = [trial(0, [NAN]), trial(1, [0.5])]
    assert is_goal_reached(problem(goal=0.5), trials)
    assert not is_goal_reached(problem(goal=0.4), trials)
    assert is_goal_reached(problem(goal=0.5, direction="maximize"), trials)
    assert not is_goal_reached(problem(goal=0.6, direction="maximize"), trials)
    assert not is_goal_reached(problem(), trials)
