"""The CustomResourceDefinition of JAXJob (kubeflow.org/v1, training-operator 1.9)."""

from __future__ import annotations

from kubelab.client import JAX_JOBS, Object
from kubelab.engine.crds.fragments import (
    AGE,
    ANYTHING,
    BOOLEAN,
    DATE_TIME,
    INT32,
    INT64,
    STRING,
    column,
    custom_resource_definition,
    described,
    obj,
    ruled,
)

# A pod template is kept as written beyond what is checked here.
_KEPT = {"x-kubernetes-preserve-unknown-fields": True}
_MANAGERS = ("kubeflow.org/training-operator", "kueue.x-k8s.io/multikueue")


def _run_policy() -> Object:
    scheduling = obj(
        {
            "minAvailable": INT32,
            "queue": STRING,
            "minResources": ANYTHING,
            "priorityClass": STRING,
            "scheduleTimeoutSeconds": INT32,
        }
    )
    return obj(
        {
            "cleanPodPolicy": {**STRING, "enum": ["None", "Running", "All"]},
            "ttlSecondsAfterFinished": INT32,
            "activeDeadlineSeconds": INT64,
            "backoffLimit": INT32,
            "suspend": {**BOOLEAN, "default": False},
            "managedBy": {
                **STRING,
                "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "field is immutable"}],
                "enum": list(_MANAGERS),
            },
            "schedulingPolicy": scheduling,
        }
    )


def _replica_specs() -> Object:
    container = obj({"name": STRING, "image": STRING}, required=["name", "image"], **_KEPT)
    containers = {"type": "array", "items": container, "maxItems": 64}
    pod = obj({"containers": containers}, required=["containers"], **_KEPT)
    template = obj({"metadata": ANYTHING, "spec": pod}, required=["spec"])
    has_jax = {
        "rule": "self.template.spec.containers.exists(container, container.name == 'jax')",
        "message": "must have at least one container with name jax",
    }
    worker = obj(
        {
            "replicas": described({**INT32, "default": 1, "minimum": 1}, "How many processes."),
            "restartPolicy": {
                **STRING,
                "enum": ["Always", "OnFailure", "Never", "ExitCode"],
                "default": "Never",
            },
            "template": template,
        },
        required=["template"],
    )
    specs = obj({"Worker": ruled(worker, has_jax)}, required=["Worker"])
    return described(specs, "Only Worker is known; one of its containers must be named jax.")


def _status() -> Object:
    condition = obj(
        {
            **dict.fromkeys(("type", "status", "reason", "message"), STRING),
            "lastUpdateTime": DATE_TIME,
            "lastTransitionTime": DATE_TIME,
        },
        required=["status", "type"],
    )
    replica = obj({**dict.fromkeys(("active", "failed", "succeeded"), INT32), "selector": STRING})
    return obj(
        {
            "conditions": {"type": "array", "items": condition},
            "replicaStatuses": {"type": "object", "additionalProperties": replica},
            "startTime": DATE_TIME,
            "completionTime": DATE_TIME,
            "lastReconcileTime": DATE_TIME,
        }
    )


def jax_job_definition() -> Object:
    """Return the CustomResourceDefinition of JAXJob."""
    scale = {
        "specReplicasPath": ".spec.jaxReplicaSpecs.Worker.replicas",
        "statusReplicasPath": ".status.replicaStatuses.Worker.active",
        "labelSelectorPath": ".status.replicaStatuses.Worker.selector",
    }
    spec = obj(
        {"runPolicy": _run_policy(), "jaxReplicaSpecs": _replica_specs()}, required=["jaxReplicaSpecs"]
    )
    return custom_resource_definition(
        JAX_JOBS,
        {"spec": spec, "status": _status()},
        description="JAXJob Represents a JAXJob resource.",
        columns=(column("State", ".status.conditions[-1:].type"), AGE),
        subresources={"status": {}, "scale": scale},
        rules=(
            {
                "rule": "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                "message": "metadata.name must match RFC 1035 DNS label format",
            },
        ),
    )
