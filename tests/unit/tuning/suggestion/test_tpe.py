from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from statistics import median
from typing import Any

import pytest

from kubelab.tuning import Problem, Space, choice, suggest, uniform
from tests.unit.tuning.searches import best_loss, search, trial

QUADRATIC = Space({"x": uniform(-5, 5), "y": uniform(-5, 5), "sign": choice(1, -1)})


def loss(values: Mapping[str, Any]) -> float:
    return float((values["x"] - 1) ** 2 + (values["y"] + 2) ** 2 + (values["sign"] < 0))


def best_of(algorithm: str, seed: int) -> float:
    problem = Problem(QUADRATIC, "loss", algorithm=algorithm, max_trials=40, seed=seed)
    return best_loss(problem, search(problem, loss, 40))


@pytest.mark.parametrize("algorithm", ["tpe", "multivariate-tpe"])
def test_it_finds_better_values_than_random_search(algorithm: str) -> None:
    found = [best_of(algorithm, seed) for seed in range(5)]
    at_random = [best_of("random", seed) for seed in range(5)]
    assert median(found) < median(at_random) / 2


def test_trials_that_failed_are_left_out_and_those_stopped_early_are_not() -> None:
    def with_last(state: Any, value: float) -> Any:
        known = [
            trial(number, [float(number % 3)], assignments={"x": "1.0", "y": "0.0", "sign": "1"})
            for number in range(12)
        ]
        last = trial(12, [value], state, assignments={"x": "-4.0", "y": "4.0", "sign": "-1"})
        return suggest(Problem(QUADRATIC, "loss", algorithm="tpe"), [*known, last], 1)

    assert with_last("Failed", -9.0) == with_last("Killed", 9.0) == with_last("Succeeded", float("nan"))
    assert with_last("EarlyStopped", -9.0) != with_last("Failed", -9.0)
    # One that runs is known as well, so that others look elsewhere.
    assert with_last("Running", float("nan")) != with_last("Failed", float("nan"))


def test_katibs_settings_are_heard() -> None:
    known = [
        trial(number, [float(number)], assignments={"x": f"{number / 4}", "y": "0.5", "sign": "1"})
        for number in range(12)
    ]

    def suggested(algorithm: str, **settings: str) -> Any:
        return suggest(Problem(QUADRATIC, "loss", algorithm=algorithm, settings=settings), known, 1)

    for name, text in (("gamma", "0.9"), ("prior_weight", "50"), ("n_EI_candidates", "1")):
        assert suggested("tpe", **{name: text}) != suggested("tpe"), name
    for name, text in (("n_startup_trials", "13"), ("n_ei_candidates", "1")):
        assert suggested("multivariate-tpe", **{name: text}) != suggested("multivariate-tpe"), name


def test_optuna_neither_warns_nor_logs(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    known = [trial(number, [0.5], assignments={"x": "1.0", "y": "0.0", "sign": "1"}) for number in range(12)]
    with warnings.catch_warnings(), caplog.at_level(logging.INFO):
        warnings.simplefilter("error")
        for algorithm, settings in (("tpe", {"gamma": "0.3"}), ("multivariate-tpe", {})):
            suggest(Problem(QUADRATIC, "loss", algorithm=algorithm, settings=settings), known, 2)
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")
