"""OptimizerClient 0.5 and KatibClient 0.19, unmodified: what they do without an Experiment controller."""

from __future__ import annotations

import pytest

from tests.conformance.sdks.sdk import Sdk, SdkError

KATIB = {"group": "kubeflow.org", "version": "v1beta1"}


def test_optimization_job_is_created_read_and_deleted(sdk: Sdk, namespace: str) -> None:
    name = sdk("optimizer", "optimize", namespace=namespace, num_trials=4, parallel_trials=2)
    job = sdk("optimizer", "get_job", namespace=namespace, name=name)
    assert job["status"] == "Created"
    assert job["objectives"] == [["loss", "minimize"]]
    assert job["algorithm"] == "random"
    assert (job["num_trials"], job["parallel_trials"]) == (4, 2)
    assert set(job["search_space"]) == {"rate", "width"}
    assert job["trials"] == {}
    assert sdk("optimizer", "list_jobs", namespace=namespace) == [job]
    assert sdk("optimizer", "best", namespace=namespace, name=name) is None
    assert sdk("optimizer", "logs", namespace=namespace, name=name) == []
    assert sdk("optimizer", "events", namespace=namespace, name=name) == []
    sdk("optimizer", "delete", namespace=namespace, name=name)
    assert sdk("optimizer", "list_jobs", namespace=namespace) == []


def test_tune_creates_an_experiment_whose_budget_can_be_edited(sdk: Sdk, namespace: str) -> None:
    sdk("katib", "tune", namespace=namespace, name="rates")
    spec = sdk("katib", "get_experiment", namespace=namespace, name="rates")["spec"]
    assert spec["maxTrialCount"] == 3
    assert spec["trialTemplate"]["primaryContainerName"] == "training-container"
    sdk("katib", "edit_budget", namespace=namespace, name="rates", max_trial_count=9)
    edited = sdk("katib", "get_experiment", namespace=namespace, name="rates")["spec"]
    assert edited == {**spec, "maxTrialCount": 9}
    assert sdk("katib", "list_experiments", namespace=namespace) == ["rates"]
    sdk("katib", "delete", namespace=namespace, name="rates")
    with pytest.raises(SdkError, match="Failed to get Katib Experiment"):
        sdk("katib", "get_experiment", namespace=namespace, name="rates")


def test_experiment_from_models_has_neither_conditions_nor_trials_yet(sdk: Sdk, namespace: str) -> None:
    sdk("katib", "create_from_model", namespace=namespace, name="plain")
    asked = {"namespace": namespace, "name": "plain"}
    assert not sdk("katib", "conditions", **asked)
    assert sdk("katib", "is_created", **asked) is False
    assert sdk("katib", "optimum", **asked) is None
    assert sdk("katib", "trials", **asked) == []
    assert sdk("katib", "succeeded_trials", **asked) == []
    with pytest.raises(SdkError, match="already exists"):
        sdk("katib", "create_from_model", **asked)


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
