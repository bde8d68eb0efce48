"""KatibClient 0.19, unmodified: its trials really run, and its answers come from what they print."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.sdks.sdk import Sdk, SdkError

PRINT = ["python", "-c", "print('accuracy=${trialParameters.rate}')"]

RAISE = ["python", "-c", "raise SystemExit('${trialParameters.rate} is no rate')"]


def loss_of(assignments: list[dict[str, str]]) -> float:
    """Return what `objective` of calls/katib.py has printed last, and least."""
    values = {each["name"]: each["value"] for each in assignments}
    return float(values["rate"]) + int(values["width"]) / 3


def metric(metrics: list[dict[str, str]], name: str) -> dict[str, float]:
    (found,) = [each for each in metrics if each["name"] == name]
    return {key: float(found[key]) for key in ("min", "max", "latest")}


def test_tune_runs_a_function_and_finds_its_best_parameters(sdk: Sdk, namespace: str) -> None:
    asked = {"namespace": namespace, "name": "rates"}
    sdk("katib", "tune", **asked)
    spec = sdk("katib", "get_experiment", **asked)["spec"]
    assert spec["trialTemplate"]["primaryContainerName"] == "training-container"
    status = sdk("katib", "wait", **asked)["status"]
    assert (status["trials"], status["trialsSucceeded"]) == (3, 3)
    assert sdk("katib", "states", **asked) == ["created", "succeeded"]
    assert sdk("katib", "list_experiments", namespace=namespace) == ["rates"]

    names = sdk("katib", "trials", **asked)
    assert sorted(names) == sorted(status["succeededTrialList"])
    details: list[dict[str, Any]] = sdk("katib", "succeeded_trials", **asked)
    assert {each["name"] for each in details} == set(names)
    for each in details:
        assert metric(each["metrics"], "loss")["min"] == pytest.approx(loss_of(each["parameter_assignments"]))
    best = min(details, key=lambda each: loss_of(each["parameter_assignments"]))
    optimum = sdk("katib", "optimum", **asked)
    assert optimum["bestTrialName"] == best["name"]
    assert optimum["parameterAssignments"] == best["parameter_assignments"]

    trial = sdk("katib", "get_trial", namespace=namespace, name=best["name"])
    assert trial["spec"]["parameterAssignments"] == best["parameter_assignments"]
    assert len(sdk("katib", "logs", **asked, trial=best["name"])) == 3

    suggestion = sdk("katib", "get_suggestion", **asked)
    assert suggestion["spec"]["algorithm"]["algorithmName"] == "tpe"
    assert {each["name"] for each in suggestion["status"]["suggestions"]} == set(names)
    # KatibClient 0.19's own slip: its list_suggestions asks for experiments.
    assert sdk("katib", "list_suggestions", namespace=namespace) == ["rates"]

    sdk("katib", "delete", **asked)
    with pytest.raises(SdkError, match="Failed to get Katib Experiment"):
        sdk("katib", "get_experiment", **asked)


def test_an_experiment_from_models_goes_on_when_its_budget_is_raised(sdk: Sdk, namespace: str) -> None:
    asked = {"namespace": namespace, "name": "plain"}
    sdk("katib", "create_from_model", **asked, command=PRINT, resume_policy="LongRunning")
    assert "Created" in [each["type"] for each in sdk("katib", "wait", **asked)["status"]["conditions"]]
    with pytest.raises(SdkError, match="already exists"):
        sdk("katib", "create_from_model", **asked, command=PRINT)
    sdk("katib", "edit_budget", **asked, max_trial_count=3, parallel_trial_count=2, max_failed_trial_count=1)
    sdk("katib", "wait", **asked, condition="Restarting")
    spec = sdk("katib", "get_experiment", **asked)["spec"]
    assert (spec["maxTrialCount"], spec["parallelTrialCount"], spec["maxFailedTrialCount"]) == (3, 2, 1)
    done = sdk("katib", "wait", **asked)
    while done["status"]["trials"] < 3:  # it was over before, and is over again
        done = sdk("katib", "wait", **asked)
    best = max(
        sdk("katib", "succeeded_trials", **asked), key=lambda each: metric(each["metrics"], "accuracy")["max"]
    )
    assert sdk("katib", "optimum", **asked)["bestTrialName"] == best["name"]


def test_a_failing_experiment_says_so(sdk: Sdk, namespace: str) -> None:
    asked = {"namespace": namespace, "name": "broken"}
    sdk("katib", "create_from_model", **asked, command=RAISE, max_failed_trial_count=0)
    status = sdk("katib", "wait", **asked, condition="Failed")["status"]
    assert status["trialsFailed"] >= 1
    assert sdk("katib", "succeeded_trials", **asked) == []
    assert sdk("katib", "optimum", **asked) is None
    with pytest.raises(SdkError, match="is Failed"):
        sdk("katib", "wait", **asked)


def test_a_misspelt_algorithm_is_refused_with_the_names_that_there_are(sdk: Sdk, namespace: str) -> None:
    with pytest.raises(SdkError, match="Failed to create"):
        sdk("katib", "tune", namespace=namespace, name="rates", algorithm="magic")
    assert sdk("katib", "list_experiments", namespace=namespace) == []


def test_only_the_trials_of_an_experiment_are_listed(sdk: Sdk, namespace: str) -> None:
    for name, experiment in (("plain-a", "plain"), ("other-a", "other")):
        trial = {
            "apiVersion": "kubeflow.org/v1beta1",
            "kind": "Trial",
            "metadata": {"name": name, "labels": {"katib.kubeflow.org/experiment": experiment}},
            "spec": {"parameterAssignments": [{"name": "rate", "value": "0.5"}]},
        }
        sdk("core", "create_custom", namespace=namespace, plural="trials", body=trial)
    assert sdk("katib", "trials", namespace=namespace, name="plain") == ["plain-a"]
    found = sdk("katib", "get_trial", namespace=namespace, name="plain-a")
    assert found["spec"]["parameterAssignments"] == [{"name": "rate", "value": "0.5"}]
