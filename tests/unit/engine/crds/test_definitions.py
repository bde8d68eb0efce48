import copy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kubelab.client import (
    CLUSTER_TRAINING_RUNTIMES,
    JAX_JOBS,
    JOB_SETS,
    TRAIN_JOBS,
    Client,
    Object,
)
from kubelab.clock import RealClock
from kubelab.engine.apiserver.app import ApiServer
from kubelab.engine.bootstrap import bootstrap
from kubelab.engine.crds import definitions
from kubelab.errors import InvalidError


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    server = ApiServer(tmp_path, RealClock(), token="token")
    await server.start()
    made = server.client("system:masters")
    await bootstrap(made, RealClock())
    yield made
    await server.stop()


def train_job(name: str = "digits", **spec: Any) -> Object:
    return {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"runtimeRef": {"name": "jax-distributed"}, **spec},
    }


def job_set(**spec: Any) -> Object:
    pod = {"spec": {"containers": [{"name": "main", "image": "busybox", "stdin": True}]}}
    node = {"name": "node", "template": {"spec": {"template": pod, "backoffLimit": 1}}}
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": {"name": "set", "namespace": "default"},
        "spec": {"replicatedJobs": [node], **spec},
    }


def jax_job(**run_policy: Any) -> Object:
    template = {"spec": {"containers": [{"name": "jax", "image": "kubelab/jax"}]}}
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "JAXJob",
        "metadata": {"name": "psum", "namespace": "default"},
        "spec": {"runPolicy": run_policy, "jaxReplicaSpecs": {"Worker": {"template": template}}},
    }


def test_definitions_are_made_anew_each_time() -> None:
    one, other = definitions(), definitions()
    one[0]["metadata"]["name"] = "changed"
    assert other[0]["metadata"]["name"] == "jobsets.jobset.x-k8s.io"


async def test_a_train_job_is_defaulted_as_upstream_does(client: Client) -> None:
    spec = (await client.create(TRAIN_JOBS, train_job()))["spec"]
    assert spec == {
        "runtimeRef": {
            "name": "jax-distributed",
            "apiGroup": "trainer.kubeflow.org",
            "kind": "ClusterTrainingRuntime",
        },
        "suspend": False,
        "managedBy": "trainer.kubeflow.org/trainjob-controller",
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (train_job("1digits"), "metadata.name must match RFC 1035 DNS label format"),
        (train_job("d" * 64), "metadata.name must be no more than 63 characters"),
        (train_job(trainer={"numNodes": 0}), "spec.trainer.numNodes"),
        (train_job(trainer={"command": "python"}), "spec.trainer.command"),
        (train_job(activeDeadlineSeconds=0), "spec.activeDeadlineSeconds"),
        (train_job(managedBy="somebody/else"), "ManagedBy must be"),
        (train_job(runtimeRef={"name": ""}), "spec.runtimeRef.name"),
        (train_job(runtimeRef={}), "spec.runtimeRef.name"),
    ],
)
async def test_a_bad_train_job_is_refused_with_the_field_that_is_bad(
    client: Client, body: Object, message: str
) -> None:
    with pytest.raises(InvalidError, match=message):
        await client.create(TRAIN_JOBS, body)


@pytest.mark.parametrize(
    "change",
    [
        {"trainer": {"numNodes": 3}},
        {"runtimeRef": {"name": "other"}},
        {"activeDeadlineSeconds": 9},
        {"managedBy": "kueue.x-k8s.io/multikueue"},
    ],
)
async def test_what_a_train_job_trains_cannot_change(client: Client, change: Object) -> None:
    body = train_job(trainer={"numNodes": 2}, activeDeadlineSeconds=5)
    await client.create(TRAIN_JOBS, body)
    with pytest.raises(InvalidError, match="field is immutable"):
        await client.patch(TRAIN_JOBS, "digits", {"spec": change}, "default")


async def test_numbers_are_quantities_too(client: Client) -> None:
    resources = {"requests": {"cpu": 1.0, "memory": "1Gi"}, "limits": {"cpu": 2}}
    made = await client.create(TRAIN_JOBS, train_job(trainer={"resourcesPerNode": resources}))
    assert made["spec"]["trainer"]["resourcesPerNode"]["requests"]["memory"] == "1Gi"


async def test_patches_of_two_managers_are_kept_apart(client: Client) -> None:
    volume = {"name": "code", "configMap": {"name": "code"}}
    pod = {"spec": {"volumes": [volume]}}
    patch = {"replicatedJobs": [{"name": "node", "template": {"spec": {"template": pod}}}]}
    entries = [
        {"manager": manager, "trainingRuntimeSpec": {"template": {"spec": patch}}}
        for manager in ("a/b", "c/d")
    ]
    made = await client.create(TRAIN_JOBS, train_job(runtimePatches=entries))
    assert made["spec"]["runtimePatches"] == entries
    doubled = train_job("other", runtimePatches=[entries[0], entries[0]])
    with pytest.raises(InvalidError, match="Duplicate value"):
        await client.create(TRAIN_JOBS, doubled)


async def test_a_trainers_status_needs_its_time(client: Client) -> None:
    await client.create(TRAIN_JOBS, train_job())
    status = {"status": {"trainerStatus": {"progressPercentage": 101}}}
    with pytest.raises(InvalidError) as refused:
        await client.patch(TRAIN_JOBS, "digits", status, "default", subresource="status")
    assert "progressPercentage" in str(refused.value)


async def test_a_job_set_is_defaulted_as_its_webhook_does(client: Client) -> None:
    made = (await client.create(JOB_SETS, job_set()))["spec"]
    assert made["network"] == {"enableDNSHostnames": True, "publishNotReadyAddresses": True}
    assert made["successPolicy"] == {"operator": "All"}
    assert made["startupPolicy"] == {"startupPolicyOrder": "AnyOrder"}
    (node,) = made["replicatedJobs"]
    assert (node["replicas"], node["groupName"]) == (1, "default")
    job = node["template"]["spec"]
    assert (job["completionMode"], job["backoffLimit"]) == ("Indexed", 1)
    assert job["template"]["spec"]["restartPolicy"] == "OnFailure"
    assert job["template"]["spec"]["containers"][0]["stdin"] is True, "a pod template is kept as written"


async def test_a_job_sets_policies_cannot_change(client: Client) -> None:
    await client.create(JOB_SETS, job_set(failurePolicy={"maxRestarts": 1}))
    with pytest.raises(InvalidError, match="Value is immutable"):
        await client.patch(JOB_SETS, "set", {"spec": {"failurePolicy": {"maxRestarts": 2}}}, "default")


@pytest.mark.parametrize(
    ("name", "problem"),
    [("x" * 57, "job names generated for this JobSet will exceed 63 characters"), ("a.b", "RFC 1035")],
)
async def test_a_job_sets_jobs_must_have_good_names(client: Client, name: str, problem: str) -> None:
    body = job_set()
    body["metadata"]["name"] = "x" * 56
    await client.create(JOB_SETS, body)
    body["metadata"]["name"] = name
    with pytest.raises(InvalidError, match=problem):
        await client.create(JOB_SETS, body)


async def test_a_runtimes_template_is_not_defaulted(client: Client) -> None:
    runtime = await client.get(CLUSTER_TRAINING_RUNTIMES, "jax-distributed")
    assert sorted(runtime["spec"]["template"]["spec"]) == ["failurePolicy", "replicatedJobs"]
    assert "replicas" not in runtime["spec"]["template"]["spec"]["replicatedJobs"][0]
    assert runtime["metadata"]["labels"] == {"trainer.kubeflow.org/framework": "jax"}
    assert runtime["spec"]["mlPolicy"] == {"numNodes": 1, "jax": {}}


async def test_a_jax_job_is_defaulted_and_has_a_scale(client: Client) -> None:
    made = await client.create(JAX_JOBS, jax_job())
    worker = made["spec"]["jaxReplicaSpecs"]["Worker"]
    assert (worker["replicas"], worker["restartPolicy"]) == (1, "Never")
    patch = {"spec": {"replicas": 3}}
    await client.patch(JAX_JOBS, "psum", patch, "default", subresource="scale")
    scaled = await client.get(JAX_JOBS, "psum", "default")
    assert scaled["spec"]["jaxReplicaSpecs"]["Worker"]["replicas"] == 3


async def test_a_jax_job_has_workers_only(client: Client) -> None:
    body = copy.deepcopy(jax_job())
    body["spec"]["jaxReplicaSpecs"] = {"Master": body["spec"]["jaxReplicaSpecs"]["Worker"]}
    with pytest.raises(InvalidError, match="Worker"):
        await client.create(JAX_JOBS, body)
    with pytest.raises(InvalidError, match="cleanPodPolicy"):
        await client.create(JAX_JOBS, jax_job(cleanPodPolicy="Sometimes"))
