"""A job's objects, each a pure function of the request: what `launch` creates and `manifest` shows."""

from __future__ import annotations

import base64
import copy
import json
import math

from kubelab.client import (
    CLUSTER_TRAINING_RUNTIMES,
    CONFIG_MAPS,
    JAX_JOBS,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    TRAIN_JOBS,
    TRAINING_RUNTIMES,
    Object,
    Resource,
)
from kubelab.quantities import parse_quantity
from kubelab.training.pod.arguments import ARG, ARGS
from kubelab.training.pod.environment import CHECKPOINT_DIR, CHECKPOINT_EVERY, MAX_RESTARTS
from kubelab.training.request import JobRequest

BASE_RUNTIME = "jax-distributed"
"""The runtime that Kubeflow Trainer ships for JAX (trainer v2.3.0, ``manifests/base/runtimes``)."""
DEFAULT_IMAGE = "nvcr.io/nvidia/jax:25.10-py3"
"""The image of that runtime, for clusters without it."""
STEPS = "kubelab/steps"
FUNCTION = "kubelab/function"
COMMIT = "kubelab/git-commit"
MANAGED_BY = {"app.kubernetes.io/managed-by": "kubelab"}

CODE_MOUNT = "/opt/kubelab"
CODE_FILE = "code.zip"
VOLUME_MOUNT = "/mnt/kubelab"
VOLUME_SIZE = "5Gi"
COMMAND = ["python", f"{CODE_MOUNT}/{CODE_FILE}"]

FATAL_EXIT_CODES = [1, 2, 126, 127, 128]
"""The function raised, or the command could not run: starting again would end the same way."""
_GRACE_S = 5
"""Seconds between SIGTERM and SIGKILL: the last checkpoint is complete already."""


def resource_of(kind: str) -> Resource:
    """Return where a kind of job is served."""
    return {"TrainJob": TRAIN_JOBS, "JAXJob": JAX_JOBS, "Job": JOBS}[kind]


def build(request: JobRequest) -> Object:
    """Return the job's own object."""
    if request.kind == "Job":
        from kubelab.training.indexed_job import indexed_job

        return indexed_job(request)
    return train_job(request) if request.kind == "TrainJob" else jax_job(request)


def code_config_map(request: JobRequest, archive: bytes) -> Object:
    """Return the ConfigMap that carries the function."""
    return {
        **head(CONFIG_MAPS, request.code_name, request.namespace),
        "binaryData": {CODE_FILE: base64.b64encode(archive).decode()},
    }


def checkpoint_claim(request: JobRequest) -> Object:
    """Return the claim for the job's volume, on the default StorageClass, shared by all workers."""
    return {
        **head(PERSISTENT_VOLUME_CLAIMS, f"{request.name}-checkpoints", request.namespace),
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": VOLUME_SIZE}},
        },
    }


def restarting_runtime(base: Object, max_restarts: int, namespace: str) -> Object:
    """Return the cluster's own JAX runtime with a failure policy.

    A lost worker restarts the whole JobSet, at once and at most ``max_restarts`` times; a function
    that raised fails it. Upstream's runtime has no failure policy, and a Job's own back-off would
    restart one worker alone.
    """
    spec = copy.deepcopy(base["spec"])
    template = spec["template"]["spec"]
    template["failurePolicy"] = {
        "maxRestarts": max_restarts,
        "rules": [
            {
                "name": "functionRaised",
                "action": "FailJobSet",
                "onJobFailureReasons": ["PodFailurePolicy"],
            }
        ],
    }
    for replicated in template["replicatedJobs"]:
        _fail_on_error(replicated)
    runtime = head(TRAINING_RUNTIMES, runtime_name(max_restarts), namespace)
    runtime["metadata"]["labels"] = {**MANAGED_BY, **(base["metadata"].get("labels") or {})}
    return {**runtime, "spec": spec}


def runtime_name(max_restarts: int) -> str:
    """Return the name of the runtime that restarts so often."""
    return f"jax-restarts-{max_restarts}"


def runtime_image(base: Object) -> str:
    """Return the image that a runtime's training container runs."""
    for replicated in base["spec"]["template"]["spec"]["replicatedJobs"]:
        for container in replicated["template"]["spec"]["template"]["spec"]["containers"]:
            if container["name"] == "node":
                return str(container.get("image", ""))
    return ""


def train_job(request: JobRequest) -> Object:
    """Return a Kubeflow Trainer ``TrainJob``."""
    trainer: Object = {"numNodes": request.num_nodes, "command": COMMAND, "env": _env(request)}
    if request.image:
        trainer["image"] = request.image
    if request.resources:
        trainer["resourcesPerNode"] = _resources(request)
    pod = {
        "volumes": _volumes(request),
        "containers": [{"name": "node", "volumeMounts": _mounts(request)}],
    }
    patch = {"replicatedJobs": [{"name": "node", "template": {"spec": {"template": {"spec": pod}}}}]}
    return {
        **job_head(request),
        "spec": {
            "runtimeRef": {
                "apiGroup": TRAINING_RUNTIMES.group,
                "kind": TRAINING_RUNTIMES.kind,
                "name": runtime_name(request.max_restarts),
            },
            "trainer": trainer,
            "runtimePatches": [
                {"manager": "kubelab/launcher", "trainingRuntimeSpec": {"template": {"spec": patch}}}
            ],
        },
    }


def jax_job(request: JobRequest) -> Object:
    """Return a training operator's ``JAXJob``.

    Its ExitCode policy starts workers again that were killed, without end: the operator counts no
    restarts of its own, so the workers count them on the job's volume.
    """
    worker = {
        "replicas": request.num_nodes,
        "restartPolicy": "ExitCode" if _restarts(request) else "Never",
        "template": {"spec": pod_spec(request, container(request, "jax"))},
    }
    run_policy = {"cleanPodPolicy": "None", "backoffLimit": request.max_restarts}
    return {**job_head(request), "spec": {"runPolicy": run_policy, "jaxReplicaSpecs": {"Worker": worker}}}


def container(request: JobRequest, name: str) -> Object:
    """Return the container that runs the function, where no runtime brings one."""
    made: Object = {
        "name": name,
        "image": request.image,
        "command": COMMAND,
        "env": _env(request),
        "volumeMounts": _mounts(request),
    }
    if request.resources:
        made["resources"] = _resources(request)
    return made


def pod_spec(request: JobRequest, worker: Object) -> Object:
    """Return the pod around a worker's container."""
    return {
        "containers": [worker],
        "volumes": _volumes(request),
        "terminationGracePeriodSeconds": _GRACE_S,
    }


def owned_by(owner: Object) -> Object:
    """Return a merge patch that makes an object go when ``owner`` goes."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }
    return {"metadata": {"ownerReferences": [reference]}}


def base_runtime_missing() -> str:
    """Return what to say where Kubeflow Trainer has no runtime for JAX."""
    return (
        f"the cluster has Kubeflow Trainer, but no {CLUSTER_TRAINING_RUNTIMES.kind} {BASE_RUNTIME!r}. "
        "An administrator installs Trainer's runtimes with `kubectl apply --server-side -k "
        "'https://github.com/kubeflow/trainer.git/manifests/overlays/runtimes?ref=v2.3.0'`; "
        "without it, train with kind='Job'"
    )


def storage_class_missing() -> str:
    """Return what to say where checkpoints have no place."""
    return (
        "the cluster has no default StorageClass, so there is no volume for checkpoints. Mark a class as "
        "the default (annotation storageclass.kubernetes.io/is-default-class: 'true'), or train with "
        "checkpoint_every=None"
    )


def fatal_exits() -> Object:
    """Return the pod failure policy that ends a Job at once when starting again would not help."""
    return {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": FATAL_EXIT_CODES}}]}


def head(resource: Resource, name: str, namespace: str) -> Object:
    """Return the beginning of an object that kubelab makes."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": name, "namespace": namespace, "labels": dict(MANAGED_BY)},
    }


def job_head(request: JobRequest) -> Object:
    """Return the beginning of a job's own object."""
    job = head(resource_of(request.kind), request.name, request.namespace)
    job["metadata"]["annotations"] = {FUNCTION: request.function}
    if request.steps:
        job["metadata"]["annotations"][STEPS] = str(request.steps)
    if request.commit:
        job["metadata"]["annotations"][COMMIT] = request.commit
    return job


def _fail_on_error(replicated: Object) -> None:
    job = replicated["template"]["spec"]
    job["backoffLimit"] = 0
    job["podFailurePolicy"] = fatal_exits()
    pod = job["template"]["spec"]
    pod["restartPolicy"] = "Never"
    pod["terminationGracePeriodSeconds"] = _GRACE_S


def _restarts(request: JobRequest) -> bool:
    """Whether a JAXJob restarts workers: without a volume they could not count how often."""
    return request.max_restarts > 0 and request.checkpoint_every > 0


def _env(request: JobRequest) -> list[Object]:
    own: dict[str, str] = {"PYTHONUNBUFFERED": "1"}
    if "cpu" in request.resources:
        # XLA and numpy would each start a thread for every core of the machine.
        own["NPROC"] = str(max(1, math.ceil(parse_quantity(request.resources["cpu"]))))
        own["OMP_NUM_THREADS"] = own["NPROC"]
    if json.loads(request.args_json):
        own[ARGS] = request.args_json
    own.update({f"{ARG}{name}": text for name, text in request.arguments.items()})
    if request.checkpoint_every:
        own[CHECKPOINT_DIR] = VOLUME_MOUNT
        own[CHECKPOINT_EVERY] = str(request.checkpoint_every)
    if request.kind == "JAXJob" and _restarts(request):
        own[MAX_RESTARTS] = str(request.max_restarts)
    return [{"name": name, "value": value} for name, value in {**own, **request.env}.items()]


def _resources(request: JobRequest) -> Object:
    quantities = {name: str(quantity) for name, quantity in request.resources.items()}
    return {"requests": quantities, "limits": dict(quantities)}


def _volumes(request: JobRequest) -> list[Object]:
    volumes: list[Object] = [{"name": "kubelab-code", "configMap": {"name": request.code_name}}]
    if request.checkpoint_every:
        claim = {"claimName": f"{request.name}-checkpoints"}
        volumes.append({"name": "kubelab-checkpoints", "persistentVolumeClaim": claim})
    return volumes + [{"name": f"volume-{i}", **source} for i, source in enumerate(request.volumes.values())]


def _mounts(request: JobRequest) -> list[Object]:
    mounts: list[Object] = [{"name": "kubelab-code", "mountPath": CODE_MOUNT, "readOnly": True}]
    if request.checkpoint_every:
        mounts.append({"name": "kubelab-checkpoints", "mountPath": VOLUME_MOUNT})
    return mounts + [
        {"name": f"volume-{i}", "mountPath": path, "readOnly": True} for i, path in enumerate(request.volumes)
    ]
