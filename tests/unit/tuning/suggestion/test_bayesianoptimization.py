from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kubelab.tuning import Problem, Space, choice, suggest, uniform
from kubelab.tuning.errors import SettingError
from tests.unit.tuning.searches import best_loss, search, trial

SPACE = Space({"x": uniform(-5, 5), "sign": choice(1, -1)})


def loss(values: Mapping[str, Any]) -> float:
    return float((values["x"] - 1) ** 2 + (values["sign"] < 0))


def bayes(**settings: str) -> Problem:
    return Problem(
        SPACE, "loss", algorithm="bayesianoptimization", settings={"n_initial_points": "6", **settings}
    )


@pytest.mark.parametrize(
    ("settings", "enough"),
    [
        ({}, 0.001),
        ({"acq_func": "EI", "acq_optimizer": "sampling"}, 0.01),
        ({"acq_func": "LCB"}, 0.001),
        ({"base_estimator": "ET"}, 0.5),
        ({"base_estimator": "RF"}, 0.5),
        ({"base_estimator": "GBRT"}, 1.0),
    ],
    ids=str,
)
def test_it_finds_the_minimum_of_a_simple_function(settings: dict[str, str], enough: float) -> None:
    problem = bayes(**settings)
    assert best_loss(problem, search(problem, loss, 20)) < enough


def test_trials_that_run_are_kept_away_from() -> None:
    trials = search(bayes(), loss, 10)
    apart = suggest(bayes(), trials, 3).assignments
    assert len({each.parameters["x"] for each in apart}) == 3


def test_places_that_were_tried_are_left_out() -> None:
    space = Space({"x": choice(*range(6))})
    problem = Problem(space, "loss", algorithm="bayesianoptimization", settings={"n_initial_points": "1"})
    known = [trial(place, [float(place)], assignments={"x": str(place)}) for place in range(5)]
    assert suggest(problem, known, 1).assignments[0].parameters == {"x": "5"}


def test_functions_that_need_seconds_are_refused() -> None:
    with pytest.raises(SettingError, match=r"acq_func EIps needs the seconds .* Use EI."):
        suggest(bayes(acq_func="EIps"), [], 1)
    with pytest.raises(
        SettingError, match=r"base_estimator cannot be 'SVM'. Choose one of: GP, RF, ET, GBRT"
    ):
        suggest(bayes(base_estimator="SVM"), [], 1)
