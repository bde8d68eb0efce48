"""OptimizerClient 0.5 and KatibClient 0.19, unmodified: their sweeps run to the end."""

from __future__ import annotations

import pytest

from tests.conformance.sdks.sdk import Sdk, SdkError

KATIB = {"group": "kubeflow.org", "version": "v1beta1"}


def test_optimization_job_runs_to_its_end(sdk: Sdk, namespace: str) -> None:
    asked = {"namespace": namespace, "name": sdk("optimizer", "optimize", namespace=namespace)}
    job = sdk("optimizer", "get_job", **asked)
    assert job["objectives"] == [["loss", "minimize"]]
    assert job["algorithm"] == "random"
    assert (job["num_trials"], job["parallel_trials"]) == (4, 2)
    assert set(job["search_space"]) == {"rate", "width"}
    # Waiting reads the job with its trials every second: each Trial's TrainJob was there before it.
    done = sdk("optimizer", "wait", **asked)
    assert done["status"] == "Complete"
    assert len(done["trials"]) == 4
    assert {each["status"] for each in done["trials"].values()} == {"Complete"}
    rates = {name: each["parameters"]["rate"] for name, each in done["trials"].items()}
    best = min(rates, key=lambda name: float(rates[name]))
    found = sdk("optimizer", "best", **asked)
    assert found["parameters"] == done["trials"][best]["parameters"]
    assert found["metrics"] == {"loss": [rates[best]] * 3}
    assert sdk("optimizer", "logs", **asked) == [f"loss={rates[best]}"]
    assert {"ExperimentMaxTrialsReached", "JobSucceeded"} <= set(sdk("optimizer", "events", **asked))
    assert sdk("optimizer", "list_jobs", namespace=namespace) == [done]
    sdk("optimizer", "delete", **asked)
    assert sdk("optimizer", "list_jobs", namespace=namespace) == []


def test_tune_runs_to_its_end(sdk: Sdk, namespace: str) -> None:
    asked = {"namespace": namespace, "name": "rates"}
    sdk("katib", "tune", **asked)
    sdk("katib", "wait", **asked)
    optimum = sdk("katib", "optimum", **asked)
    assert optimum["bestTrialName"] in sdk("katib", "trials", **asked)
    values = {each["name"]: each["value"] for each in optimum["parameterAssignments"]}
    assert optimum["observation"]["metrics"][0]["min"] == values["rate"]
    assert len(sdk("katib", "succeeded_trials", **asked)) == 3


def test_budget_of_a_running_experiment_can_be_edited(sdk: Sdk, namespace: str) -> None:
    sdk("katib", "tune", namespace=namespace, name="rates", long=True)
    spec = sdk("katib", "get_experiment", namespace=namespace, name="rates")["spec"]
    assert spec["maxTrialCount"] == 3
    assert spec["trialTemplate"]["primaryContainerName"] == "training-container"
    for attempt in range(20):
        try:
            sdk("katib", "edit_budget", namespace=namespace, name="rates", max_trial_count=9)
            break
        except SdkError:  # it writes the version that it has read, while the controller counts trials
            assert attempt < 19
    edited = sdk("katib", "get_experiment", namespace=namespace, name="rates")["spec"]
    assert edited == {**spec, "maxTrialCount": 9}
    assert sdk("katib", "list_experiments", namespace=namespace) == ["rates"]
    sdk("katib", "delete", namespace=namespace, name="rates")
    with pytest.raises(SdkError, match="Failed to get Katib Experiment"):
        sdk("katib", "get_experiment", namespace=namespace, name="rates")


def test_experiment_from_models_runs_to_its_end(sdk: Sdk, namespace: str) -> None:
    sdk("katib", "create_from_model", namespace=namespace, name="plain")
    asked = {"namespace": namespace, "name": "plain"}
    with pytest.raises(SdkError, match="already exists"):
        sdk("katib", "create_from_model", **asked)
    sdk("katib", "wait", **asked)
    assert sdk("katib", "conditions", **asked) == ["Created", "Running", "Succeeded"]
    assert sdk("katib", "is_created", **asked) is True
    trials = sdk("katib", "trials", **asked)
    assert len(trials) == 2
    assert sdk("katib", "optimum", **asked)["bestTrialName"] in trials
    assert len(sdk("katib", "succeeded_trials", **asked)) == 2
    found = sdk("katib", "get_suggestion", **asked)
    assert {each["name"] for each in found["status"]["suggestions"]} == set(trials)


def test_suggestions_and_trials_are_read_as_stored(sdk: Sdk, namespace: str) -> None:
    suggestion = {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Suggestion",
        "metadata": {"name": "plain"},
        "spec": {"algorithm": {"algorithmName": "random"}, "requests": 2},
    }
    sdk("core", "create_custom", namespace=namespace, plural="suggestions", body=suggestion)
    found = sdk("katib", "get_suggestion", namespace=namespace, name="plain")
    assert found["spec"] == suggestion["spec"]
    (stored,) = sdk("core", "list_custom", namespace=namespace, plural="suggestions", **KATIB)
    assert stored["metadata"]["name"] == "plain"
    # KatibClient 0.19's own slip: its list_suggestions asks for experiments.
    assert sdk("katib", "list_suggestions", namespace=namespace) == []
    for name, experiment in (("plain-a", "plain"), ("other-a", "other")):
        trial = {
            "apiVersion": "kubeflow.org/v1beta1",
            "kind": "Trial",
            "metadata": {"name": name, "labels": {"katib.kubeflow.org/experiment": experiment}},
            "spec": {"parameterAssignments": [{"name": "rate", "value": "0.5"}]},
        }
        sdk("core", "create_custom", namespace=namespace, plural="trials", body=trial)
    assert sdk("katib", "trials", namespace=namespace, name="plain") == ["plain-a"]
    assert sdk("katib", "get_trial", namespace=namespace, name="plain-a") == "plain-a"
