from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import yaml

from kubelab.client import Object
from kubelab.training import builders
from kubelab.training.manifest import documents
from kubelab.training.request import JobRequest

REQUEST = JobRequest(
    name="digits",
    namespace="lab",
    function="train",
    resources={"cpu": "1500m", "memory": "1Gi"},
    checkpoint_every=50,
    args_json='{"lr": 0.003}',
    env={"EXTRA": "1"},
    steps=300,
)
BASE: Object = {
    "metadata": {"name": "jax-distributed", "labels": {"trainer.kubeflow.org/framework": "jax"}},
    "spec": {
        "mlPolicy": {"numNodes": 1, "jax": {}},
        "template": {
            "spec": {
                "replicatedJobs": [
                    {
                        "name": "node",
                        "template": {
                            "spec": {
                                "template": {"spec": {"containers": [{"name": "node", "image": "jax:1"}]}}
                            }
                        },
                    }
                ]
            }
        },
    },
}


def env_of(container: Object) -> dict[str, Any]:
    return {entry["name"]: entry["value"] for entry in container["env"]}


def test_a_train_job_says_its_function_arguments_and_resources() -> None:
    job = builders.train_job(REQUEST)
    trainer = job["spec"]["trainer"]
    assert job["spec"]["runtimeRef"]["name"] == "jax-restarts-3"
    assert trainer["numNodes"] == 2
    assert trainer["command"] == ["python", "/opt/kubelab/code.zip"]
    assert trainer["resourcesPerNode"]["limits"] == {"cpu": "1500m", "memory": "1Gi"}
    assert env_of(trainer) == {
        "PYTHONUNBUFFERED": "1",
        "NPROC": "2",
        "OMP_NUM_THREADS": "2",
        "KUBELAB_ARGS": '{"lr": 0.003}',
        "KUBELAB_CHECKPOINT_DIR": "/mnt/kubelab",
        "KUBELAB_CHECKPOINT_EVERY": "50",
        "EXTRA": "1",
    }
    assert "image" not in trainer, "the runtime's image is used"
    assert job["metadata"]["annotations"] == {"kubelab/function": "train", "kubelab/steps": "300"}


def pod_patch(job: Object) -> Object:
    (patch,) = job["spec"]["runtimePatches"]
    (replicated,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    pod: Object = replicated["template"]["spec"]["template"]["spec"]
    return pod


def test_volumes_are_mounted_by_a_runtime_patch() -> None:
    pod = pod_patch(builders.train_job(REQUEST))
    assert [volume["name"] for volume in pod["volumes"]] == ["kubelab-code", "kubelab-checkpoints"]
    assert [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]] == [
        "/opt/kubelab",
        "/mnt/kubelab",
    ]


def test_without_checkpoints_there_is_no_volume() -> None:
    request = JobRequest(name="digits", namespace="lab", function="train")
    job = builders.train_job(request)
    assert len(pod_patch(job)["volumes"]) == 1
    assert env_of(job["spec"]["trainer"]) == {"PYTHONUNBUFFERED": "1"}


def test_a_jax_job_has_one_container_named_jax_that_is_restarted_when_killed() -> None:
    worker = builders.jax_job(REQUEST)["spec"]["jaxReplicaSpecs"]["Worker"]
    assert (worker["replicas"], worker["restartPolicy"]) == (2, "ExitCode")
    (container,) = worker["template"]["spec"]["containers"]
    assert container["name"] == "jax"
    assert env_of(container)["KUBELAB_ARGS"] == '{"lr": 0.003}'


def test_the_runtime_is_the_clusters_own_with_a_failure_policy() -> None:
    runtime = builders.restarting_runtime(BASE, 3, "lab")
    assert runtime["metadata"]["labels"]["trainer.kubeflow.org/framework"] == "jax"
    assert runtime["spec"]["mlPolicy"] == BASE["spec"]["mlPolicy"]
    job_set = runtime["spec"]["template"]["spec"]
    assert job_set["failurePolicy"]["maxRestarts"] == 3
    job = job_set["replicatedJobs"][0]["template"]["spec"]
    assert job["backoffLimit"] == 0
    assert job["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"] == [1, 2, 126, 127, 128]
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert "failurePolicy" not in BASE["spec"]["template"]["spec"], "the base is left as it was"
    assert builders.runtime_image(BASE) == "jax:1"


def test_the_code_travels_as_binary_data() -> None:
    body = builders.code_config_map(REQUEST, b"\x00zip")
    assert body["metadata"]["name"] == "digits-code"
    assert base64.b64decode(body["binaryData"]["code.zip"]) == b"\x00zip"


def test_a_manifest_drops_what_the_server_added() -> None:
    stored = builders.train_job(REQUEST)
    stored["metadata"] |= {"uid": "u", "resourceVersion": "7", "managedFields": [], "generation": 1}
    stored["spec"]["runtimePatches"][0]["time"] = "2026-08-01T10:00:00Z"
    expected = builders.train_job(REQUEST)
    del expected["metadata"]["namespace"]
    assert yaml.safe_load(documents([{**stored, "status": {"conditions": []}}])) == expected


def test_volumes_are_mounted_to_read_beside_the_jobs_own() -> None:
    source = {"hostPath": {"path": "/data", "type": "Directory"}}
    job = builders.jax_job(replace(REQUEST, kind="JAXJob", volumes={"/mnt/data": source}))
    pod = job["spec"]["jaxReplicaSpecs"]["Worker"]["template"]["spec"]
    assert [volume["name"] for volume in pod["volumes"]] == [
        "kubelab-code",
        "kubelab-checkpoints",
        "volume-0",
    ]
    assert pod["volumes"][-1] == {"name": "volume-0", **source}
    assert pod["containers"][0]["volumeMounts"][-1] == {
        "name": "volume-0",
        "mountPath": "/mnt/data",
        "readOnly": True,
    }
