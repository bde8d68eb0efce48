"""What a server must do so that the published clients work: each of these once broke one of them."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kubelab import clock
from kubelab.cluster import Cluster
from kubelab.http import Kubeconfig
from kubelab.training.builders import BASE_RUNTIME
from tests.conformance.sdks.sdk import Sdk, SdkError

KATIB = {"group": "kubeflow.org", "version": "v1beta1"}
RUNTIMES = "clustertrainingruntimes"


def experiment(name: str, algorithm: str = "random", **spec: Any) -> dict[str, Any]:
    """An Experiment that is paused, so that there are no trials but those that a test writes."""
    train_job = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "spec": {
            "runtimeRef": {"name": BASE_RUNTIME},
            "trainer": {"command": ["python", "-c", "print('loss=${trialParameters.rate}')"]},
        },
    }
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name, "annotations": {"tuning.kubelab.dev/paused": "true"}},
        "spec": {
            "algorithm": {"algorithmName": algorithm},
            "objective": {
                "type": "minimize",
                "objectiveMetricName": "loss",
                "additionalMetricNames": ["step"],
            },
            "parameters": [
                {"name": "rate", "parameterType": "double", "feasibleSpace": {"min": "0.1", "max": "0.5"}}
            ],
            "maxTrialCount": 4,
            "trialTemplate": {
                "trialSpec": train_job,
                "primaryContainerName": "node",
                "trialParameters": [{"name": "rate", "reference": "rate"}],
            },
            **spec,
        },
    }


def trial(name: str, experiment: str) -> dict[str, Any]:
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Trial",
        "metadata": {"name": name, "labels": {"katib.kubeflow.org/experiment": experiment}},
        "spec": {"parameterAssignments": [{"name": "rate", "value": "0.2"}]},
    }


def until(read: Callable[[], Any], holds: Callable[[Any], object], timeout_s: float = 90) -> Any:
    """Return what is read once it holds; every read is a call of a client, so this does not spin."""
    deadline = clock.monotonic() + timeout_s
    while not holds(found := read()):
        assert clock.monotonic() < deadline, f"still {found}"
    return found


def train_job(sdk: Sdk, namespace: str) -> dict[str, Any]:
    (job,) = sdk("core", "list_custom", namespace=namespace, plural="trainjobs")
    found: dict[str, Any] = job
    return found


# 1
def test_body_without_content_type_is_read_as_json(cluster: Cluster, namespace: str) -> None:
    config = Kubeconfig.load(cluster.kubeconfig, None)
    address = urlsplit(config.server)
    trusting = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(
        str(address.hostname), address.port, context=trusting, timeout=60
    )
    path = f"/apis/kubeflow.org/v1beta1/namespaces/{namespace}/experiments"
    headers = {"Authorization": f"Bearer {config.token}"}
    connection.request("POST", path, json.dumps(experiment("bare")), headers)
    answer = connection.getresponse()
    created = json.loads(answer.read())
    connection.close()
    assert (answer.status, created["metadata"]["name"]) == (201, "bare")


@pytest.mark.parametrize("client", ["sdk", "newest"])
def test_official_client_creates_patches_watches_and_follows(
    client: str, request: pytest.FixtureRequest, namespace: str
) -> None:
    official: Sdk = request.getfixturevalue(client)
    versions = official("core", "versions")
    assert versions["client"].startswith({"sdk": "35.", "newest": "37."}[client])
    assert versions["server"].startswith("v1.37.")
    assert {"batch", "kubeflow.org", "trainer.kubeflow.org"} <= set(versions["groups"])
    official("core", "create_custom", namespace=namespace, plural="experiments", body=experiment("rates"))
    change = {"spec": {"maxTrialCount": 7}}
    patched = official(
        "core", "patch_custom", namespace=namespace, plural="experiments", name="rates", body=change
    )
    assert patched["spec"]["maxTrialCount"] == 7
    pod = {"namespace": namespace, "name": "hello"}
    official("core", "create_pod", **pod, labels={}, command=["python", "-c", "print('hello')"])
    assert official("core", "pod_ends", **pod) == "Succeeded"
    assert official("core", "followed", **pod) == ["hello"]


# 2
def test_selector_with_escaped_slash_and_a_set_finds_pods(sdk: Sdk, namespace: str) -> None:
    for name in ("a", "b", "c"):
        sdk(
            "core",
            "create_pod",
            namespace=namespace,
            name=name,
            labels={"lab.example/at": name},
            command=["true"],
        )
    found = sdk("core", "pods", namespace=namespace, selector="lab.example/at in (a, b),lab.example/at!=b")
    assert found == ["a"]


def test_log_is_followed_from_a_running_job(sdk: Sdk, namespace: str) -> None:
    name = sdk("trainer", "train", namespace=namespace, function="endless")
    sdk("trainer", "wait", namespace=namespace, name=name, status="Running")
    assert sdk("trainer", "first_line", namespace=namespace, name=name) == "started"
    sdk("trainer", "delete", namespace=namespace, name=name)


# 3
def test_quantities_may_be_numbers(sdk: Sdk, namespace: str) -> None:
    resources = {"cpu": 1.0, "memory": "512Mi"}
    name = sdk("trainer", "train", namespace=namespace, function="endless", resources=resources)
    job = sdk("trainer", "wait", namespace=namespace, name=name, status="Running")
    assert job["steps"]["node-0"]["device_count"] == "1"
    sdk("trainer", "delete", namespace=namespace, name=name)


# 4
def test_every_item_of_a_list_says_its_kind(sdk: Sdk, namespace: str) -> None:
    sdk("core", "create_custom", namespace=namespace, plural="experiments", body=experiment("rates"))
    runtimes = sdk("core", "list_cluster_custom", plural=RUNTIMES)
    experiments = sdk("core", "list_custom", namespace=namespace, plural="experiments", **KATIB)
    assert {each["kind"] for each in runtimes} == {"ClusterTrainingRuntime"}
    assert {each["kind"] for each in experiments} == {"Experiment"}


# 5
def test_running_job_has_no_condition_even_after_it_was_resumed(
    sdk: Sdk, cluster: Cluster, namespace: str
) -> None:
    job = {"namespace": namespace, "name": sdk("trainer", "train", namespace=namespace, function="endless")}
    sdk("trainer", "wait", **job, status="Running")
    assert not train_job(sdk, namespace)["status"].get("conditions")
    trainer = {"group": "trainer.kubeflow.org", "version": "v1alpha1", "plural": "trainjobs"}
    sdk("core", "patch_custom", **trainer, **job, body={"spec": {"suspend": True}})
    until(
        lambda: train_job(sdk, namespace)["status"].get("conditions") or [],
        lambda conditions: [each["type"] for each in conditions] == ["Suspended"],
    )
    sdk("core", "patch_custom", **trainer, **job, body={"spec": {"suspend": False}})
    assert sdk("trainer", "wait", **job, status="Running")["status"] == "Running"
    assert not train_job(sdk, namespace)["status"].get("conditions")
    sdk("trainer", "delete", **job)


# 6
def test_trial_can_be_read_only_with_its_train_job(sdk: Sdk, namespace: str) -> None:
    sdk("core", "create_custom", namespace=namespace, plural="experiments", body=experiment("rates"))
    run = sdk("trainer", "train", namespace=namespace, function="endless")
    for each in (run, "early"):
        sdk("core", "create_custom", namespace=namespace, plural="trials", body=trial(each, "rates"))
        if each == run:
            (found,) = sdk("optimizer", "get_job", namespace=namespace, name="rates")["trials"].items()
            assert found[0] == run
            assert found[1]["parameters"] == {"rate": "0.2"}
    # So whoever writes a Trial writes its TrainJob first.
    with pytest.raises(SdkError, match="Failed to list Trials"):
        sdk("optimizer", "get_job", namespace=namespace, name="rates")
    sdk("trainer", "delete", namespace=namespace, name=run)


# 7
def test_experiment_is_defaulted_as_katib_does(sdk: Sdk, namespace: str) -> None:
    body = experiment("rates")
    spec = sdk("core", "create_custom", namespace=namespace, plural="experiments", body=body)["spec"]
    assert spec["parallelTrialCount"] == 3
    assert spec["parameters"][0]["feasibleSpace"]["distribution"] == "uniform"
    assert spec["metricsCollectorSpec"] == {"collector": {"kind": "StdOut"}}
    assert spec["objective"]["metricStrategies"] == [
        {"name": "loss", "value": "min"},
        {"name": "step", "value": "min"},
    ]
    assert (
        spec["trialTemplate"]["successCondition"]
        == 'status.conditions.#(type=="Complete")#|#(status=="True")#'
    )
    read = sdk("optimizer", "get_job", namespace=namespace, name="rates")
    assert read["parallel_trials"] == 3


# 8
def test_experiment_of_an_unknown_algorithm_leaves_the_others_readable(sdk: Sdk, namespace: str) -> None:
    for name, algorithm in (("random", "random"), ("tpe", "tpe")):
        body = experiment(name, algorithm)
        sdk("core", "create_custom", namespace=namespace, plural="experiments", body=body)
    assert set(sdk("katib", "list_experiments", namespace=namespace)) == {"random", "tpe"}
    assert sdk("optimizer", "get_job", namespace=namespace, name="random")["algorithm"] == "random"
    # The SDK itself knows two algorithms, and gives up on a list with another.
    with pytest.raises(SdkError, match="Failed to list"):
        sdk("optimizer", "list_jobs", namespace=namespace)


# 9
def test_job_launched_by_kubelab_is_read_with_its_cpus(sdk: Sdk, cluster: Cluster) -> None:
    job = cluster.train(_nothing, num_nodes=2, checkpoint_every=None)
    job.wait(120, progress=False)
    read = sdk("trainer", "get_job", namespace=cluster.namespace, name=job.name)
    assert read["status"] == "Complete"
    assert [step["device_count"] for step in read["steps"].values()] == ["1", "1"]
    job.stop()


# 10
def test_trial_log_is_read_from_the_collector_container(sdk: Sdk, namespace: str) -> None:
    runtime = sdk("core", "list_cluster_custom", plural=RUNTIMES)[0]
    assert runtime["metadata"]["name"] == BASE_RUNTIME
    replicated = runtime["spec"]["template"]["spec"]["replicatedJobs"][0]
    collector = {
        "name": "metrics-logger-and-collector",
        "image": "python",
        "command": ["python", "-c", "print('loss=0.25')"],
    }
    replicated["template"]["spec"]["template"]["spec"]["containers"].append(collector)
    body = {
        "apiVersion": runtime["apiVersion"],
        "kind": "TrainingRuntime",
        "metadata": {"name": "collected", "labels": runtime["metadata"]["labels"]},
        "spec": runtime["spec"],
    }
    trainer = {"group": "trainer.kubeflow.org", "version": "v1alpha1"}
    sdk("core", "create_custom", namespace=namespace, plural="trainingruntimes", body=body, **trainer)
    name = "rates"
    sdk("core", "create_custom", namespace=namespace, plural="experiments", body=experiment(name))
    run = sdk("trainer", "train", namespace=namespace, function="quick", runtime="collected")
    sdk("core", "create_custom", namespace=namespace, plural="trials", body=trial(run, name))
    sdk("trainer", "wait", namespace=namespace, name=run, status="Complete")
    assert sdk("optimizer", "logs", namespace=namespace, name=name, trial=run) == ["loss=0.25"]
    assert sdk("optimizer", "logs", namespace=namespace, name=name) == ["loss=0.25"]


# 11
def test_job_status_has_every_field_that_the_models_require(sdk: Sdk, namespace: str) -> None:
    name = sdk("trainer", "train", namespace=namespace, function="quick")
    sdk("trainer", "wait", namespace=namespace, name=name, status="Complete")
    status = train_job(sdk, namespace)["status"]
    assert status["conditions"]
    for condition in status["conditions"]:
        assert {"type", "status", "reason", "message", "lastTransitionTime"} <= condition.keys()
    counts = {"name", "ready", "succeeded", "failed", "active", "suspended"}
    assert all(counts <= job.keys() for job in status["jobsStatus"])


# 12
def test_namespace_comes_from_the_kubeconfig_and_pods_leave_no_in_cluster_folder(
    sdk: Sdk, cluster: Cluster, namespace: str
) -> None:
    name = sdk("trainer", "train", namespace=namespace, function="endless")
    sdk("trainer", "wait", namespace=namespace, name=name, status="Running")
    assert not Path("/var/run/secrets/kubernetes.io").exists()
    assert sdk("trainer", "default_namespace") == cluster.namespace
    sdk("trainer", "delete", namespace=namespace, name=name)


def _nothing() -> None:
    """Take part and end."""
