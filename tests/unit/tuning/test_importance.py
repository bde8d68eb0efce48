from __future__ import annotations

import random
import sys
from collections.abc import Callable

import pytest

from kubelab.tuning import Problem, Space, TrialRecord, choice, importances, integer, log, uniform, when
from kubelab.tuning.errors import MissingPackageError
from kubelab.tuning.importance import LEAST_TRIALS
from kubelab.tuning.problem import Direction, State
from tests.unit.tuning.searches import trial

SPACE = Space(
    {
        "lr": log(1e-4, 1e-1),
        "kind": choice("plain", "momentum"),
        "noise": uniform(0, 1),
        "warmup": when(integer(2, 9), kind="momentum"),
    }
)


def problem(direction: Direction = "minimize") -> Problem:
    return Problem(SPACE, "loss", direction)


def trials(
    count: int, loss: Callable[[dict[str, str]], float], state: State = "Succeeded"
) -> list[TrialRecord]:
    """Trials of a random search whose losses follow from their parameters."""
    chance = random.Random(0)
    made = []
    for number in range(count):
        assignments = {
            "lr": repr(10 ** chance.uniform(-4, -1)),
            "kind": chance.choice(["plain", "momentum"]),
            "noise": repr(chance.random()),
        }
        if assignments["kind"] == "momentum":
            assignments["warmup"] = str(chance.randint(2, 9))
        made.append(trial(number, [loss(assignments)], state, assignments=assignments))
    return made


def by_lr(assignments: dict[str, str]) -> float:
    return float(assignments["lr"])


def test_the_parameter_that_decides_comes_first_and_shares_sum_to_one() -> None:
    found = importances(problem(), trials(40, by_lr))
    assert next(iter(found)) == "lr"
    assert found["lr"] > 0.7
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert sum(found.values()) == pytest.approx(1)


def test_it_is_the_same_the_other_way_round() -> None:
    found = importances(problem("maximize"), trials(40, lambda each: -by_lr(each)))
    assert found == pytest.approx(importances(problem(), trials(40, by_lr)))


def test_a_choice_can_be_what_decides() -> None:
    def loss(assignments: dict[str, str]) -> float:
        chance = float(assignments["noise"]) * 1e4 % 1
        return (assignments["kind"] == "plain") + chance / 100

    assert next(iter(importances(problem(), trials(40, loss)))) == "kind"


def test_a_parameter_that_not_every_trial_has_is_left_out() -> None:
    assert set(importances(problem(), trials(12, by_lr))) == {"lr", "kind", "noise"}


def test_too_few_trials_tell_nothing() -> None:
    assert importances(problem(), []) == {}
    assert importances(problem(), trials(LEAST_TRIALS - 1, by_lr)) == {}
    assert importances(problem(), trials(LEAST_TRIALS, by_lr)) != {}


def test_trials_that_are_all_alike_tell_nothing() -> None:
    assert importances(problem(), trials(20, lambda each: 1.0)) == {}


def test_trials_that_were_stopped_count_with_what_they_had_and_others_do_not() -> None:
    stopped = trials(20, by_lr, "EarlyStopped")
    assert importances(problem(), stopped) == importances(problem(), trials(20, by_lr))
    for state in ("Failed", "Killed", "MetricsUnavailable", "Running"):
        assert importances(problem(), trials(20, by_lr, state)) == {}


def test_nan_and_infinite_losses_are_left_out() -> None:
    good = trials(20, by_lr)
    broken = [
        trial(20 + place, [value], assignments=good[0].assignments)
        for place, value in enumerate((float("nan"), float("inf")))
    ]
    assert importances(problem(), [*good, *broken]) == importances(problem(), good)


def test_a_missing_optuna_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingPackageError, match="optuna"):
        importances(problem(), trials(20, by_lr))
