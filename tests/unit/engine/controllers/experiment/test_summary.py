import pytest

from kubelab.client import Object
from kubelab.engine.controllers.experiment.summary import summarize
from tests.unit.engine.controllers.sweeps import experiment, problem, suggestion, trial


def summary(*trials: Object, suggested: Object | None = None, **spec: object) -> Object:
    return summarize({}, problem(**spec), trials, suggested)


def test_trials_are_counted_and_listed_by_their_condition() -> None:
    states = ("Succeeded", "Failed", "Killed", "EarlyStopped", "Running", "MetricsUnavailable", "")
    found = summary(*(trial(f"t{number}", state) for number, state in enumerate(states)))
    assert found == {
        "trials": 7,
        "trialsSucceeded": 1,
        "trialsFailed": 1,
        "trialsKilled": 1,
        "trialsEarlyStopped": 1,
        "trialsRunning": 1,
        "trialMetricsUnavailable": 1,
        "trialsPending": 1,
        "succeededTrialList": ["t0"],
        "failedTrialList": ["t1"],
        "killedTrialList": ["t2"],
        "earlyStoppedTrialList": ["t3"],
        "runningTrialList": ["t4"],
        "metricsUnavailableTrialList": ["t5"],
        "pendingTrialList": ["t6"],
    }


def test_lists_are_in_the_order_of_the_suggestions() -> None:
    of = experiment()
    found = summary(trial("a", "Running"), trial("b", "Running"), suggested=suggestion(of, "b", "a"))
    assert found["runningTrialList"] == ["b", "a"]


def test_a_list_that_became_empty_goes() -> None:
    before = summary(trial("a", "Running"))
    assert "runningTrialList" not in summarize(before, problem(), [trial("a", "Succeeded", "1")], None)


@pytest.mark.parametrize(("type_", "best"), [("minimize", "a"), ("maximize", "b")])
def test_the_optimal_trial_has_the_best_objective(type_: str, best: str) -> None:
    found = summary(
        trial("a", "Succeeded", "0.10"),
        trial("b", "Succeeded", "0.9"),
        trial("c", "Running"),
        objective={"type": type_, "objectiveMetricName": "loss"},
    )["currentOptimalTrial"]
    assert found["bestTrialName"] == best
    assert found["parameterAssignments"] == [{"name": "lr", "value": "0.5"}]
    value = {"a": "0.10", "b": "0.9"}[best]
    assert found["observation"]["metrics"] == [{"name": "loss", "min": value, "max": value, "latest": value}]


def test_a_trial_that_was_stopped_early_can_be_the_best() -> None:
    found = summary(trial("a", "Succeeded", "0.5"), trial("b", "EarlyStopped", "0.4"))
    assert found["currentOptimalTrial"]["bestTrialName"] == "b"


def test_nan_is_never_the_best() -> None:
    assert "currentOptimalTrial" not in summary(trial("a", "Succeeded", "nan"))
    found = summary(trial("a", "Succeeded", "nan"), trial("b", "Succeeded", "7"))
    assert found["currentOptimalTrial"]["bestTrialName"] == "b"


def test_the_strategy_says_which_value_counts() -> None:
    objective = {
        "type": "minimize",
        "objectiveMetricName": "loss",
        "metricStrategies": [{"name": "loss", "value": "latest"}],
    }
    first, second = trial("a", "Succeeded", "1"), trial("b", "Succeeded", "2")
    first["status"]["observation"]["metrics"] = [{"name": "loss", "min": "0.1", "max": "9", "latest": "9"}]
    assert summary(first, second, objective=objective)["currentOptimalTrial"]["bestTrialName"] == "b"
    assert summary(first, second)["currentOptimalTrial"]["bestTrialName"] == "a"
