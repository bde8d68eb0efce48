"""The pods and headless Services that a JAXJob creates: one of each for every worker, of the same name."""

from __future__ import annotations

import copy

from kubelab.client import JAX_JOBS, Object
from kubelab.engine.controllers.owners import owner_reference

PREFIX = "training.kubeflow.org/"
REPLICA_INDEX = PREFIX + "replica-index"
CONTAINER = "jax"
PORT_NAME = "jaxjob-port"
DEFAULT_PORT = 6666


def worker_spec(job: Object) -> Object:
    """Return ``spec.jaxReplicaSpecs.Worker``."""
    spec: Object = job["spec"]["jaxReplicaSpecs"]["Worker"]
    return spec


def replicas_of(job: Object) -> int:
    """Return how many workers a JAXJob has."""
    replicas = worker_spec(job).get("replicas")
    return 1 if replicas is None else int(replicas)


def worker_name(job: Object, index: int) -> str:
    """Return the name of a worker's pod and Service."""
    return f"{job['metadata']['name']}-worker-{index}"


def labels_of(job: Object) -> dict[str, str]:
    """Return the labels that all workers carry."""
    return {
        PREFIX + "operator-name": "jaxjob-controller",
        PREFIX + "job-name": job["metadata"]["name"],
        PREFIX + "replica-type": "worker",
    }


def selector_text(job: Object) -> str:
    """Return ``status.replicaStatuses.Worker.selector``."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels_of(job).items()))


def coordinator_port(job: Object) -> int:
    """Return the port named jaxjob-port of the container jax, or the default."""
    for container in worker_spec(job)["template"]["spec"]["containers"]:
        for port in container.get("ports") or ():
            if container["name"] == CONTAINER and port.get("name") == PORT_NAME:
                return int(port["containerPort"])
    return DEFAULT_PORT


def build_service(job: Object, index: int) -> Object:
    """Return the headless Service of a worker."""
    labels = {**labels_of(job), REPLICA_INDEX: str(index)}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(job, index, labels),
        "spec": {
            "clusterIP": "None",
            "selector": labels,
            "ports": [{"name": PORT_NAME, "port": coordinator_port(job)}],
        },
    }


def build_pod(job: Object, index: int) -> Object:
    """Return the pod of a worker, with the environment that JAX programs read."""
    template = copy.deepcopy(worker_spec(job)["template"])
    template_meta, spec = template.get("metadata") or {}, template["spec"]
    labels = {**(template_meta.get("labels") or {}), **labels_of(job), REPLICA_INDEX: str(index)}
    if index == 0:
        labels[PREFIX + "job-role"] = "master"
    restart = worker_spec(job).get("restartPolicy") or "Never"
    spec["restartPolicy"] = "Never" if restart == "ExitCode" else restart
    port = coordinator_port(job)
    for container in spec["containers"]:
        if container["name"] == CONTAINER:
            _ensure_port(container, port)
        container["env"] = [*(container.get("env") or ()), *_environment(job, index, port)]
    metadata = _metadata(job, index, labels)
    if template_meta.get("annotations"):
        metadata["annotations"] = template_meta["annotations"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _environment(job: Object, index: int, port: int) -> list[Object]:
    """Return the variables of pkg/controller.v1/jax/envvar.go (training-operator 1.9)."""
    values = {
        "PYTHONUNBUFFERED": "1",
        "COORDINATOR_PORT": str(port),
        "COORDINATOR_ADDRESS": worker_name(job, 0),
        "NUM_PROCESSES": str(replicas_of(job)),
        "PROCESS_ID": str(index),
    }
    return [{"name": name, "value": value} for name, value in values.items()]


def _ensure_port(container: Object, port: int) -> None:
    ports = container.setdefault("ports", [])
    if not any(listed.get("name") == PORT_NAME for listed in ports):
        ports.append({"name": PORT_NAME, "containerPort": port})


def _metadata(job: Object, index: int, labels: dict[str, str]) -> Object:
    return {
        "name": worker_name(job, index),
        "namespace": job["metadata"]["namespace"],
        "labels": labels,
        "ownerReferences": [owner_reference(job, JAX_JOBS)],
    }
