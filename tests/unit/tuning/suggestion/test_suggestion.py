"""What every algorithm must do, whichever it is."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubelab.tuning import (
    Problem,
    Space,
    TrialRecord,
    TuningError,
    choice,
    integer,
    log,
    suggest,
    uniform,
    when,
)
from kubelab.tuning.errors import SettingError, UnknownNameError
from kubelab.tuning.parameters import Number
from kubelab.tuning.suggestion import ALGORITHMS, check_algorithm
from tests.unit.tuning.searches import spaces, trial

SETTINGS: dict[str, dict[str, str]] = {
    "bayesianoptimization": {"n_initial_points": "2"},
    "hyperband": {"resource_name": "budget", "r_l": "9"},
    "pbt": {"suggestion_trial_dir": "/data", "n_population": "5", "truncation_threshold": "0.2"},
}
PLAIN = ["asha", "multivariate-tpe", "pbt", "random", "sobol", "tpe"]
"""The algorithms that search any space."""

STEPPED = Space(
    {
        "lr": uniform(0.1, 1, step=0.1),
        "budget": integer(1, 9),
        "optimizer": choice("adam", "sgd"),
        "momentum": when(uniform(0.8, 0.9, step=0.05), optimizer="sgd"),
    }
)
STATES = ["Succeeded", "Failed", "Running", "EarlyStopped", "Created", "Killed", "MetricsUnavailable"]


def problem(algorithm: str, **fields: Any) -> Problem:
    """A problem on a space that every algorithm accepts."""
    given = {
        "parameters": STEPPED,
        "objective": "loss",
        "max_trials": 16,
        "parallel": 9 if algorithm == "hyperband" else 2,
        "settings": SETTINGS.get(algorithm, {}),
    }
    return Problem(algorithm=algorithm, **{**given, **fields})


def history(problem: Problem, count: int, seed: int = 0) -> list[TrialRecord]:
    """Trials as a controller would have them midway: some ended in each way, the last still run."""
    generator = random.Random(seed)
    trials: list[TrialRecord] = []
    while len(trials) < count:
        found = suggest(problem, trials, 1)
        if not found.assignments:
            break
        (assignment,) = found.assignments
        state: Any = "Running" if len(trials) >= count - 2 else generator.choice(STATES)
        values = [float("nan")] if generator.random() < 0.1 else [generator.random(), generator.random()]
        trials.append(
            trial(len(trials), values, state, assignments=assignment.parameters, labels=assignment.labels)
        )
    return trials


def is_inside(space: Space, texts: dict[str, str]) -> bool:
    """Whether an assignment has the parameters that count, each with a value it may have."""
    for name, text in texts.items():
        parameter = space.parameter(name)
        value = parameter.value(text)
        if isinstance(parameter, Number) and not parameter.low <= value <= parameter.high:  # type: ignore[operator]
            return False
        if parameter.count is not None and value not in list(parameter.values()):
            return False
    complete = {name: texts.get(name, "") for name in space}
    return set(space.choose(complete)) == set(texts)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
@pytest.mark.parametrize("count", [0, 3, 25])
def test_suggestions_lie_inside_the_space(algorithm: str, count: int) -> None:
    asked = problem(algorithm)
    for assignment in suggest(asked, history(asked, count), 3).assignments:
        assert is_inside(STEPPED, dict(assignment.parameters)), assignment


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_asking_again_gives_the_same_and_another_seed_something_else(algorithm: str) -> None:
    asked = problem(algorithm, seed=1)
    trials = history(asked, 14)
    first = suggest(asked, trials, 4)
    assert suggest(asked, list(reversed(trials)), 4) == first
    others = [suggest(problem(algorithm, seed=seed), [], 4) for seed in range(2, 6)]
    assert any(other != suggest(asked, [], 4) for other in others)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_a_batch_is_what_one_by_one_gives(algorithm: str) -> None:
    asked = problem(algorithm)
    trials = history(asked, 14)
    batch = suggest(asked, trials, 4).assignments
    singles = []
    for _ in batch:
        (single,) = suggest(asked, trials, 1).assignments
        singles.append(single)
        trials = [
            *trials,
            trial(len(trials), [], "Created", assignments=single.parameters, labels=single.labels),
        ]
    assert tuple(singles) == batch


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_random_state_goes_before_the_problems_seed(algorithm: str) -> None:
    if "random_state" not in ALGORITHMS[algorithm].schema:
        pytest.skip("it has no random_state, as in Katib")
    state = {**SETTINGS.get(algorithm, {}), "random_state": "5"}
    found = [suggest(problem(algorithm, seed=seed, settings=state), [], 3) for seed in (1, 2)]
    assert found[0] == found[1]


@pytest.mark.parametrize("algorithm", PLAIN)
@given(space=spaces(), seed=st.integers(0, 9))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_space_can_be_searched(algorithm: str, space: Space, seed: int) -> None:
    asked = Problem(
        space, "loss", algorithm=algorithm, settings=SETTINGS.get(algorithm, {}), max_trials=8, seed=seed
    )
    trials = history(asked, 6, seed)
    for assignment in (*suggest(asked, trials, 2).assignments,):
        assert is_inside(space, dict(assignment.parameters)), assignment


def test_an_unknown_algorithm_or_setting_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnknownNameError, match=r"algorithm 'enas' is not known. Choose one of: asha, .*grid"):
        suggest(problem("enas"), [], 1)
    with pytest.raises(
        UnknownNameError, match=r"setting of tpe 'n_startup' is not known. .*: gamma, n_EI_cand"
    ):
        suggest(problem("tpe", settings={"n_startup": "3"}), [], 1)
    for name, text, range_ in (
        ("gamma", "1", "between 0 and 1"),
        ("prior_weight", "0", "above 0"),
        ("random_state", "-1", "a whole number of at least 0"),
        ("n_EI_candidates", "many", "a whole number of at least 1"),
    ):
        with pytest.raises(SettingError, match=f"tpe: {name} cannot be '{text}'. Use .*{range_}"):
            check_algorithm(problem("tpe", settings={name: text}))


def test_a_search_that_cannot_be_made_is_refused_with_a_tuning_error() -> None:
    with pytest.raises(TuningError):
        check_algorithm(Problem(Space({"lr": log(1e-5, 1)}), "loss", algorithm="grid"))
