"""Verdicts on histories that were thinned out are those on all reports."""

from __future__ import annotations

import random

import pytest

from kubelab.sweeps.observations import KEY, MOST_POINTS, dump, load
from kubelab.tuning import (
    EarlyStopping,
    Problem,
    Report,
    Space,
    TrialRecord,
    rules_for_new_trial,
    uniform,
    verdict,
)
from kubelab.tuning.stopping import read_by_rules

STEPS = 3 * MOST_POINTS
SPACE = Space({"lr": uniform(0, 1)})
PROBLEMS = {
    "asha": Problem(SPACE, "loss", early_stopping=EarlyStopping("asha", {"min_resource": "7"})),
    "hyperband": Problem(
        SPACE, "loss", early_stopping=EarlyStopping("hyperband", {"max_resource": str(STEPS + 1)})
    ),
    "medianstop": Problem(SPACE, "loss", early_stopping=EarlyStopping("medianstop", {"start_step": "50"})),
}


def trained(seed: int, state: str = "Succeeded") -> TrialRecord:
    """A trial whose losses jump about, so that each report counts."""
    generator = random.Random(seed)
    losses = tuple(Report(step, generator.random(), float(step)) for step in range(1, STEPS + 1))
    return TrialRecord(f"t{seed}", seed, {}, state, {"loss": losses})  # type: ignore[arg-type]


def kept(problem: Problem, trial: TrialRecord, *, carefully: bool = True) -> TrialRecord:
    """The trial as its history tells of it."""
    wanted = read_by_rules(problem, trial.reports["loss"]) if carefully else ()
    reports = load({"data": {KEY: dump(trial.reports, wanted)}})
    assert len(reports["loss"]) <= MOST_POINTS
    return TrialRecord(trial.name, trial.number, {}, trial.state, reports)


@pytest.mark.parametrize("rule", PROBLEMS)
def test_a_verdict_is_the_same_from_histories_that_were_thinned_out(rule: str) -> None:
    problem = PROBLEMS[rule]
    ended = [trained(seed) for seed in range(12)]
    running = [trained(seed, "Running") for seed in range(20, 50)]

    def decided(others: list[TrialRecord]) -> object:
        verdicts = [verdict(problem, trial, others) for trial in running]
        return verdicts, rules_for_new_trial(problem, others)

    assert decided([kept(problem, trial) for trial in ended]) == decided(ended)
    careless = [kept(problem, trial, carefully=False) for trial in ended]
    assert decided(careless) != decided(ended), "thinning alone would change them"
