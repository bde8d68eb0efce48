"""From a TrainJob and its runtime to a JobSet: the lowering of Kubeflow Trainer 2.3."""

from __future__ import annotations

import copy

from kubelab.client import JOB_SETS, TRAIN_JOBS, Object
from kubelab.engine.controllers.owners import owner_reference
from kubelab.engine.controllers.trainjob.patches import apply_runtime_patches, upsert
from kubelab.engine.controllers.trainjob.progress import add_progress
from kubelab.engine.katib.checkpoints import add_checkpoints
from kubelab.engine.katib.collectors import FILE_ANNOTATION, add_sidecar, keep_last_lines
from kubelab.sweeps.names import TRIAL_LABEL, experiment_of

ANCESTOR_STEP = "trainer.kubeflow.org/trainjob-ancestor-step"
TRAINER_STEP = "trainer"
NODE_CONTAINER = "node"
INITIALIZERS = {"dataset": "dataset-initializer", "model": "model-initializer"}
JAX_PORT = 29500
COMPLETION_INDEX_PATH = "metadata.annotations['batch.kubernetes.io/job-completion-index']"


def lower(train_job: Object, runtime: Object, *, server_url: str = "") -> Object:
    """Return the JobSet of a TrainJob.

    Parameters
    ----------
    train_job : dict
        The TrainJob.
    runtime : dict
        The TrainingRuntime or ClusterTrainingRuntime it refers to.
    server_url : str
        Where the trainer's pods may post their progress; empty if nowhere.
    """
    meta, spec = train_job["metadata"], train_job["spec"]
    runtime_spec = copy.deepcopy(runtime["spec"])
    template = runtime_spec.get("template") or {}
    apply_runtime_patches(template, spec.get("runtimePatches") or ())
    job_set_spec = template.setdefault("spec", {})
    for replicated_job in job_set_spec.get("replicatedJobs") or ():
        labels = (replicated_job["template"].get("metadata") or {}).get("labels") or {}
        step = str(labels.get(ANCESTOR_STEP, ""))
        if step == TRAINER_STEP:
            _lower_trainer(train_job, runtime_spec, job_set_spec, replicated_job)
            if server_url:
                add_progress(_pod_spec(replicated_job), train_job, server_url)
            if TRIAL_LABEL in (meta.get("labels") or {}):
                keep_last_lines(_pod_spec(replicated_job))
            file = (meta.get("annotations") or {}).get(FILE_ANNOTATION)
            if file:
                add_sidecar(_pod_spec(replicated_job), str(file))
            add_checkpoints(_pod_spec(replicated_job), train_job, experiment_of(train_job))
        elif step in INITIALIZERS.values():
            _lower_initializer(spec, replicated_job, step)
    template_meta = template.get("metadata") or {}
    return {
        "apiVersion": JOB_SETS.api_version,
        "kind": JOB_SETS.kind,
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            **{key: template_meta[key] for key in ("labels", "annotations") if template_meta.get(key)},
            "ownerReferences": [owner_reference(train_job, TRAIN_JOBS)],
        },
        "spec": {**job_set_spec, "suspend": bool(spec.get("suspend"))},
    }


def number_of_nodes(train_job: Object, runtime_spec: Object) -> int:
    """Return numNodes: the TrainJob's, else the runtime's, else 1."""
    asked = (train_job["spec"].get("trainer") or {}).get("numNodes")
    default = (runtime_spec.get("mlPolicy") or {}).get("numNodes")
    return int(asked if asked is not None else default if default is not None else 1)


def _lower_trainer(
    train_job: Object, runtime_spec: Object, job_set_spec: Object, replicated_job: Object
) -> None:
    number = number_of_nodes(train_job, runtime_spec)
    replicated_job["replicas"] = 1
    job_spec = replicated_job["template"]["spec"]
    job_spec["parallelism"] = job_spec["completions"] = number
    trainer = train_job["spec"].get("trainer")
    for container in _pod_spec(replicated_job)["containers"]:
        if container["name"] != NODE_CONTAINER or trainer is None:
            continue
        if (runtime_spec.get("mlPolicy") or {}).get("jax") is not None:
            subdomain = (job_set_spec.get("network") or {}).get("subdomain") or train_job["metadata"]["name"]
            host = f"{train_job['metadata']['name']}-{replicated_job['name']}-0-0.{subdomain}"
            _add_jax(container, number, host)
        _apply_trainer(container, trainer)


def _add_jax(container: Object, number: int, host: str) -> None:
    """Add what ``jax.distributed`` needs to know (pkg/runtime/framework/plugins/jax)."""
    upsert(
        container,
        "env",
        [
            {"name": "JAX_NUM_PROCESSES", "value": str(number)},
            {"name": "JAX_PROCESS_ID", "valueFrom": {"fieldRef": {"fieldPath": COMPLETION_INDEX_PATH}}},
            {"name": "JAX_COORDINATOR_ADDRESS", "value": f"{host}:{JAX_PORT}"},
        ],
    )
    upsert(container, "ports", [{"containerPort": JAX_PORT}], key="containerPort")


def _apply_trainer(container: Object, trainer: Object) -> None:
    for field in ("image", "command", "args"):
        if trainer.get(field):
            container[field] = copy.deepcopy(trainer[field])
    resources = trainer.get("resourcesPerNode") or {}
    for field in ("limits", "requests"):
        if resources.get(field) is not None:
            # A quantity may be a number in a TrainJob; in a pod it is text.
            asked = {name: str(quantity) for name, quantity in resources[field].items()}
            container.setdefault("resources", {})[field] = asked
    upsert(container, "env", copy.deepcopy(trainer.get("env") or []))


def _lower_initializer(spec: Object, replicated_job: Object, step: str) -> None:
    initializer = spec.get("initializer") or {}
    asked = next((initializer.get(key) for key, name in INITIALIZERS.items() if name == step), None)
    replicated_job["replicas"] = 1
    for container in _pod_spec(replicated_job)["containers"]:
        if container["name"] != step or asked is None:
            continue
        if asked.get("storageUri"):
            upsert(container, "env", [{"name": "STORAGE_URI", "value": asked["storageUri"]}])
        upsert(container, "env", copy.deepcopy(asked.get("env") or []))
        if asked.get("secretRef"):
            container.setdefault("envFrom", []).append({"secretRef": dict(asked["secretRef"])})


def _pod_spec(replicated_job: Object) -> Object:
    spec: Object = replicated_job["template"]["spec"]["template"]["spec"]
    return spec
