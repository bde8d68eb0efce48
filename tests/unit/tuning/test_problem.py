from __future__ import annotations

from typing import Any

import pytest

from kubelab.tuning import EarlyStopping, Problem, Space, StoppingRule, TuningError, uniform
from kubelab.tuning.errors import ProblemError, UnknownNameError

SPACE = Space({"lr": uniform(0, 1)})


def experiment(**spec: Any) -> dict[str, Any]:
    """An Experiment as Katib's own examples write it."""
    return {
        "metadata": {"name": "sweep", "namespace": "lab", "uid": "u1"},
        "spec": {
            "objective": {
                "type": "maximize",
                "goal": 0.99,
                "objectiveMetricName": "accuracy",
                "additionalMetricNames": ["loss"],
                "metricStrategies": [{"name": "accuracy", "value": "latest"}],
            },
            "algorithm": {
                "algorithmName": "tpe",
                "algorithmSettings": [{"name": "random_state", "value": "7"}],
            },
            "earlyStopping": {
                "algorithmName": "medianstop",
                "algorithmSettings": [{"name": "start_step", "value": "5"}],
            },
            "maxTrialCount": 12,
            "parameters": SPACE.to_katib(),
            **spec,
        },
    }


def test_an_experiment_is_read() -> None:
    problem = Problem.from_experiment(experiment())
    assert problem == Problem(
        SPACE,
        "accuracy",
        "maximize",
        goal=0.99,
        algorithm="tpe",
        settings={"random_state": "7"},
        max_trials=12,
        parallel=3,
        additional_metrics=("loss",),
        strategies={"accuracy": "latest"},
        early_stopping=EarlyStopping("medianstop", {"start_step": "5"}),
        seed=problem.seed,
    )
    assert (problem.strategy("accuracy"), problem.strategy("loss")) == ("latest", "max")


def test_an_experiments_seed_is_its_own_and_stays() -> None:
    one, other = experiment(), experiment()
    other["metadata"]["uid"] = "u2"
    assert Problem.from_experiment(one).seed == Problem.from_experiment(experiment()).seed
    assert Problem.from_experiment(one).seed != Problem.from_experiment(other).seed


def test_a_stopping_rule_is_written_as_katib_does() -> None:
    assert StoppingRule("loss", 2.08, "greater", 4, trials=5).to_katib() == {
        "name": "loss",
        "value": "2.08",
        "comparison": "greater",
        "startStep": 4,
    }


def test_searches_that_contradict_themselves_are_refused() -> None:
    refused: list[tuple[dict[str, Any], type[TuningError], str]] = [
        (
            {"parallel": 5, "max_trials": 3},
            ProblemError,
            "parallel=5 is more than max_trials=3. Use parallel=3",
        ),
        ({"max_trials": 0}, ProblemError, "max_trials=0 is no number of trials"),
        ({"parallel": True}, ProblemError, "parallel=True is no number"),
        ({"objective": ""}, ProblemError, "no objective. Name the metric"),
        ({"additional_metrics": ("loss",)}, ProblemError, "'loss' is the objective and an additional metric"),
        ({"direction": "up"}, UnknownNameError, "direction 'up' is not known. .* maximize, minimize"),
        ({"strategies": {"loss": "mean"}}, UnknownNameError, "'mean' is not known. .*: latest, max, min"),
    ]
    for fields, error, message in refused:
        with pytest.raises(error, match=message):
            Problem(**{"parameters": SPACE, "objective": "loss", **fields})


def test_an_architecture_search_is_refused() -> None:
    with pytest.raises(ProblemError, match="nasConfig"):
        Problem.from_experiment(experiment(nasConfig={"operations": []}))
