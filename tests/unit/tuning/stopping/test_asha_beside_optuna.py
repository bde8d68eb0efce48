"""asha's verdicts beside those of Optuna's pruner, on trials that report in any order."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import optuna
import pytest

from kubelab.tuning import Problem, Report, Space, TrialRecord, uniform, verdict
from kubelab.tuning.suggestion.study import quiet_optuna

TRIALS = 12
STEPS = 30


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("eta", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_trials_are_stopped_at_the_steps_at_which_optuna_prunes_them(
    direction: Any, eta: int, seed: int
) -> None:
    generator = random.Random(seed)
    problem = Problem(
        Space({"lr": uniform(0, 1)}),
        "loss",
        direction,
        algorithm="asha",
        settings={"min_resource": "2", "eta": str(eta)},
    )
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=2, reduction_factor=eta)
    with quiet_optuna("asha"):
        study = optuna.create_study(direction=direction, pruner=pruner)
    theirs = [study.ask() for _ in range(TRIALS)]
    ours = [TrialRecord(f"t{number}", number, {}, "Running", {"loss": ()}) for number in range(TRIALS)]
    stopped = 0
    time = 0.0
    while running := [trial for trial in ours if trial.state == "Running"]:
        trial = generator.choice(running)
        number, reports = trial.number, trial.reports["loss"]
        step = (reports[-1].step if reports else 0) + generator.choice((1, 1, 4))
        # Optuna's NaN ends a trial at a rung, too, and elsewhere does nothing.
        value = float("nan") if generator.random() < 0.02 else number + generator.gauss(0, 4)
        time += 1
        trial = replace(trial, reports={"loss": (*reports, Report(step, value, time))})
        theirs[number].report(value, step)
        stop = verdict(problem, trial, [other for other in ours if other.number != number])
        assert (stop is not None) is theirs[number].should_prune(), f"trial {number} at step {step}"
        stopped += stop is not None
        ended = "EarlyStopped" if stop else "Succeeded"
        ours[number] = replace(trial, state=ended if stop or step >= STEPS else "Running")
    assert 0 < stopped < TRIALS
