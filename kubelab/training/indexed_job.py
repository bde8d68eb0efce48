"""A job on a cluster without Kubeflow Trainer: an Indexed Job with a headless Service.

Its pods learn their place by the variables that Trainer's JAX plug-in sets (trainer v2.3.0,
``pkg/runtime/framework/plugins/jax``), so that a function runs here as it does there.
"""

from __future__ import annotations

from kubelab.client import SERVICES, Object
from kubelab.training import builders
from kubelab.training.pod.environment import COORDINATOR_PORT
from kubelab.training.request import JobRequest

JOB_NAME = "batch.kubernetes.io/job-name"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"


def indexed_job(request: JobRequest) -> Object:
    """Return the Job: a pod for each rank, which is its completion index.

    A rank that was lost is started again by itself; its peers, which cannot go on without it, end and are
    started again too. So a restart of all counts as many failures as there are workers.
    """
    worker = builders.container(request, "node")
    worker["env"] = [*_place(request), *worker["env"]]
    worker["ports"] = [{"containerPort": COORDINATOR_PORT, "protocol": "TCP"}]
    pod = {"restartPolicy": "Never", "subdomain": request.name, **builders.pod_spec(request, worker)}
    return {
        **builders.job_head(request),
        "spec": {
            "completionMode": "Indexed",
            "completions": request.num_nodes,
            "parallelism": request.num_nodes,
            "backoffLimit": request.max_restarts * request.num_nodes,
            "podFailurePolicy": builders.fatal_exits(),
            "template": {"metadata": {"labels": dict(builders.MANAGED_BY)}, "spec": pod},
        },
    }


def headless_service(request: JobRequest) -> Object:
    """Return the Service that gives each pod a name, before it is ready."""
    return {
        **builders.head(SERVICES, request.name, request.namespace),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {JOB_NAME: request.name},
            "ports": [{"name": "coordinator", "port": COORDINATOR_PORT, "protocol": "TCP"}],
        },
    }


def _place(request: JobRequest) -> list[Object]:
    index = {"fieldRef": {"fieldPath": f"metadata.annotations['{COMPLETION_INDEX}']"}}
    coordinator = f"{request.name}-0.{request.name}:{COORDINATOR_PORT}"
    return [
        {"name": "JAX_NUM_PROCESSES", "value": str(request.num_nodes)},
        {"name": "JAX_PROCESS_ID", "valueFrom": index},
        {"name": "JAX_COORDINATOR_ADDRESS", "value": coordinator},
    ]
