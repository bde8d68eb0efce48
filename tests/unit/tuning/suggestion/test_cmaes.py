from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

import pytest

from kubelab.tuning import Problem, Space, choice, suggest, uniform, when
from kubelab.tuning.errors import ProblemError, SettingError
from kubelab.tuning.suggestion.cmaes import GENERATION_LABEL
from tests.unit.tuning.searches import best_loss, search, trial

SPACE = Space({"x": uniform(-5, 5), "y": uniform(-5, 5)})


def loss(values: Mapping[str, Any]) -> float:
    return float((values["x"] - 1) ** 2 + (values["y"] + 2) ** 2)


def cmaes(space: Space = SPACE, seed: int = 0, **settings: str) -> Problem:
    return Problem(space, "loss", algorithm="cmaes", settings=settings, seed=seed)


@pytest.mark.parametrize("strategy", ["none", "ipop"])
def test_it_closes_in_on_the_minimum(strategy: str) -> None:
    found = []
    for seed in range(3):
        problem = cmaes(seed=seed, restart_strategy=strategy)
        found.append(best_loss(problem, search(problem, loss, 90, batch=3)))
    assert median(found) < 0.01


def test_a_generation_is_told_once_all_of_it_has_ended() -> None:
    trials = search(cmaes(), loss, 6)
    assert {each.labels[GENERATION_LABEL] for each in trials} == {"0"}
    assert suggest(cmaes(), trials, 1).assignments[0].labels == {GENERATION_LABEL: "1"}
    running = trial(5, [], "Running", assignments=trials[5].assignments, labels=trials[5].labels)
    extra = suggest(cmaes(), [*trials[:5], running], 1).assignments[0]
    assert extra.labels == {GENERATION_LABEL: "0"}
    assert extra.parameters not in [each.assignments for each in trials]


def test_a_trial_that_failed_is_no_better_than_the_worst() -> None:
    trials = search(cmaes(), loss, 6)
    worst = max(range(6), key=lambda number: trials[number].reports["loss"][0].value)
    failed = trial(worst, [], "Failed", assignments=trials[worst].assignments, labels=trials[worst].labels)
    kept = [each for each in trials if each.number != worst]
    as_worst = suggest(cmaes(), [*kept, failed], 3)
    assert as_worst.assignments[0].labels == {GENERATION_LABEL: "1"}
    all_failed = [
        trial(each.number, [], "Failed", assignments=each.assignments, labels=each.labels) for each in trials
    ]
    assert suggest(cmaes(), all_failed, 3).assignments != as_worst.assignments


def test_choices_and_dependent_numbers_are_drawn_at_random() -> None:
    space = Space(
        {**SPACE, "optimizer": choice("adam", "sgd"), "momentum": when(uniform(0, 1), optimizer="sgd")}
    )
    trials = search(cmaes(space), loss, 20)
    assert {each.assignments["optimizer"] for each in trials} == {"adam", "sgd"}
    assert all(
        ("momentum" in each.assignments) is (each.assignments["optimizer"] == "sgd") for each in trials
    )


def test_fewer_than_two_numbers_are_refused() -> None:
    for space in (
        Space({"x": uniform(0, 1), "optimizer": choice("a", "b")}),
        Space({"x": uniform(0, 1), "o": choice("a", "b"), "y": when(uniform(0, 1), o="a")}),
    ):
        with pytest.raises(ProblemError, match=r"cmaes needs two numbers .* the space has 1. Use tpe"):
            suggest(cmaes(space), [], 1)
    with pytest.raises(
        SettingError, match=r"restart_strategy cannot be 'bipop'. Choose one of: ipop, none, None"
    ):
        suggest(cmaes(restart_strategy="bipop"), [], 1)
