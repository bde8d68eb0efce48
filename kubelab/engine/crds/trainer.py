"""The CustomResourceDefinitions of Kubeflow Trainer (trainer.kubeflow.org/v1alpha1, release 2.3)."""

from __future__ import annotations

from kubelab.client import (
    CLUSTER_TRAINING_RUNTIMES,
    TRAIN_JOBS,
    TRAINING_RUNTIMES,
    Object,
    Resource,
)
from kubelab.engine.crds.fragments import (
    AGE,
    ANYTHING,
    BOOLEAN,
    CONDITIONS,
    DATE_TIME,
    ENV,
    IMMUTABLE,
    INT32,
    INT64,
    METADATA,
    NAMED,
    RESOURCES,
    STRING,
    STRING_MAP,
    column,
    custom_resource_definition,
    described,
    list_map,
    obj,
    ruled,
)
from kubelab.engine.crds.jobset import job_set_spec

_MANAGERS = ("trainer.kubeflow.org/trainjob-controller", "kueue.x-k8s.io/multikueue")
_COUNTS = ("active", "failed", "ready", "succeeded", "suspended")


def _short(**limits: int) -> Object:
    return {**STRING, **limits}


def _runtime_ref() -> Object:
    return obj(
        {
            "name": _short(minLength=1, maxLength=253),
            "apiGroup": {**_short(maxLength=253), "default": "trainer.kubeflow.org"},
            "kind": {**_short(maxLength=253), "default": "ClusterTrainingRuntime"},
        },
        required=["name"],
    )


def _initializer() -> Object:
    source = obj(
        {
            "storageUri": {**STRING, "maxLength": 2048},
            "env": ENV,
            "secretRef": obj({"name": STRING}),
        }
    )
    return obj({"dataset": source, "model": source})


def _trainer() -> Object:
    words = {
        "type": "array",
        "items": _short(maxLength=65536),
        "maxItems": 128,
        "x-kubernetes-list-type": "atomic",
    }
    return obj(
        {
            "image": _short(maxLength=500),
            "command": words,
            "args": words,
            "env": ENV,
            "numNodes": described({**INT32, "minimum": 1}, "How many nodes train."),
            "resourcesPerNode": RESOURCES,
            "numProcPerNode": INT32,
        }
    )


def _container_patch() -> Object:
    mounts = list_map(
        obj(
            {"mountPath": STRING, "name": STRING},
            required=["mountPath", "name"],
            **{"x-kubernetes-preserve-unknown-fields": True},
        ),
        "mountPath",
        maxItems=128,
    )
    return obj(
        {
            "name": _short(minLength=1, maxLength=253),
            "env": ENV,
            "volumeMounts": mounts,
            "securityContext": ANYTHING,
        },
        required=["name"],
    )


def _pod_patch() -> Object:
    containers = ruled(list_map(_container_patch(), "name", maxItems=64), IMMUTABLE)
    tolerations = {"type": "array", "items": ANYTHING, "maxItems": 128, "x-kubernetes-list-type": "atomic"}
    spec = obj(
        {
            "serviceAccountName": ruled(_short(maxLength=253), IMMUTABLE),
            "volumes": ruled(list_map(NAMED, "name", maxItems=128), IMMUTABLE),
            "initContainers": containers,
            "containers": containers,
            "imagePullSecrets": ruled(list_map(NAMED, "name", maxItems=64), IMMUTABLE),
            "securityContext": ruled(ANYTHING, IMMUTABLE),
            "nodeSelector": STRING_MAP,
            "affinity": ANYTHING,
            "tolerations": tolerations,
            "schedulingGates": list_map(NAMED, "name", maxItems=16),
        }
    )
    return obj({"metadata": METADATA, "spec": spec})


def _runtime_patch() -> Object:
    job_template = obj({"metadata": METADATA, "spec": obj({"template": _pod_patch()})})
    replicated_job = obj(
        {
            "name": {**_short(minLength=1, maxLength=253), "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
            "template": job_template,
        },
        required=["name"],
    )
    job_set = obj({"replicatedJobs": list_map(replicated_job, "name", maxItems=100)})
    template = obj({"metadata": METADATA, "spec": job_set})
    return obj(
        {
            "manager": ruled(_short(minLength=1, maxLength=253), IMMUTABLE),
            "time": DATE_TIME,
            "trainingRuntimeSpec": obj({"template": template}),
        },
        required=["manager"],
    )


def _train_job_spec() -> Object:
    allowed = ", ".join(f"'{manager}'" for manager in _MANAGERS)
    known_manager = {
        "rule": f"self in [{allowed}]",
        "message": f"ManagedBy must be {_MANAGERS[0]} or {_MANAGERS[1]} if set",
    }
    managed_by = {**_short(maxLength=253), "default": _MANAGERS[0]}
    return obj(
        {
            "runtimeRef": described(ruled(_runtime_ref(), IMMUTABLE), "The runtime to train with."),
            "initializer": ruled(_initializer(), IMMUTABLE),
            "trainer": described(ruled(_trainer(), IMMUTABLE), "What differs from the runtime's trainer."),
            "runtimePatches": list_map(_runtime_patch(), "manager", maxItems=16),
            "suspend": {**BOOLEAN, "default": False},
            "activeDeadlineSeconds": ruled({**INT64, "minimum": 1}, IMMUTABLE),
            "managedBy": ruled(managed_by, known_manager, IMMUTABLE),
        },
        required=["runtimeRef"],
    )


def _train_job_status() -> Object:
    counts = {key: {**INT32, "minimum": 0} for key in _COUNTS}
    job = obj({"name": _short(minLength=1, maxLength=253), **counts}, required=[*_COUNTS, "name"])
    name = _short(minLength=1, maxLength=64)
    metric = obj({"name": name, "value": name}, required=["name", "value"])
    trainer_status = obj(
        {
            "progressPercentage": {**INT32, "minimum": 0, "maximum": 100},
            "estimatedRemainingSeconds": {**INT32, "minimum": 0},
            "metrics": {
                "type": "array",
                "items": metric,
                "maxItems": 256,
                "x-kubernetes-list-type": "atomic",
            },
            "lastUpdatedTime": DATE_TIME,
        }
    )
    has_time = {
        "rule": "has(self.lastUpdatedTime)",
        "message": "lastUpdatedTime is required when trainerStatus is present",
    }
    return obj(
        {
            "conditions": {**CONDITIONS, "maxItems": 8},
            "jobsStatus": list_map(job, "name", maxItems=100),
            "trainerStatus": ruled(trainer_status, has_time),
        }
    )


def train_job_definition() -> Object:
    """Return the CustomResourceDefinition of TrainJob."""
    return custom_resource_definition(
        TRAIN_JOBS,
        {"spec": _train_job_spec(), "status": _train_job_status()},
        description="TrainJob represents configuration of a training job.",
        columns=(column("State", ".status.conditions[-1:].type"), AGE),
        subresources={"status": {}},
        rules=(
            {
                "rule": "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                "message": "metadata.name must match RFC 1035 DNS label format",
            },
            {
                "rule": "size(self.metadata.name) <= 63",
                "message": "metadata.name must be no more than 63 characters",
            },
        ),
    )


def _runtime_definition(resource: Resource, description: str) -> Object:
    policy = obj(
        {
            "numNodes": INT32,
            "jax": obj({}),
            "torch": obj({"numProcPerNode": {"x-kubernetes-int-or-string": True, "default": "auto"}}),
            "mpi": ANYTHING,
            "flux": ANYTHING,
            "xgboost": obj({}),
        }
    )
    template = obj({"metadata": METADATA, "spec": job_set_spec(defaulted=False)}, minProperties=1)
    scheduled = obj({"coscheduling": ANYTHING, "volcano": ANYTHING})
    spec = obj({"mlPolicy": policy, "podGroupPolicy": scheduled, "template": template}, minProperties=1)
    return custom_resource_definition(resource, {"spec": spec}, description=description)


def runtime_definitions() -> tuple[Object, Object]:
    """Return the CustomResourceDefinitions of TrainingRuntime and ClusterTrainingRuntime."""
    about = "represents a training runtime which can be referenced as part of `runtimeRef` API in TrainJob."
    return (
        _runtime_definition(TRAINING_RUNTIMES, f"TrainingRuntime {about}"),
        _runtime_definition(CLUSTER_TRAINING_RUNTIMES, f"ClusterTrainingRuntime {about}"),
    )
