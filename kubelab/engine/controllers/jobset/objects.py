"""The Jobs and the headless Service that a JobSet creates."""

from __future__ import annotations

import copy
import hashlib

from kubelab.client import JOB_SETS, Object
from kubelab.engine.controllers.owners import owner_reference

PREFIX = "jobset.sigs.k8s.io/"
JOB_SET_NAME = PREFIX + "jobset-name"
REPLICATED_JOB_NAME = PREFIX + "replicatedjob-name"
JOB_INDEX = PREFIX + "job-index"
RESTART_ATTEMPT = PREFIX + "restart-attempt"
JOB_RESTART_ATTEMPT = PREFIX + "job-restart-attempt"


def replicas_of(replicated_job: Object) -> int:
    """Return how many Jobs a replicatedJob asks for."""
    replicas = replicated_job.get("replicas")
    return 1 if replicas is None else int(replicas)


def job_name(job_set: Object, replicated_job: str, index: int) -> str:
    """Return ``<jobset>-<replicatedJob>-<index>``."""
    return f"{job_set['metadata']['name']}-{replicated_job}-{index}"


def subdomain(job_set: Object) -> str:
    """Return the name of the headless Service: the JobSet's own unless its network says otherwise."""
    network = job_set["spec"].get("network") or {}
    return str(network.get("subdomain") or job_set["metadata"]["name"])


def has_hostnames(job_set: Object) -> bool:
    """Say whether pods get DNS names; they do unless the network forbids it."""
    return (job_set["spec"].get("network") or {}).get("enableDNSHostnames") is not False


def build_service(job_set: Object) -> Object:
    """Return the headless Service under which the pods' hostnames resolve."""
    network = job_set["spec"].get("network") or {}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": subdomain(job_set),
            "namespace": job_set["metadata"]["namespace"],
            "ownerReferences": [owner_reference(job_set, JOB_SETS)],
        },
        "spec": {
            "clusterIP": "None",
            "selector": {JOB_SET_NAME: job_set["metadata"]["name"]},
            "publishNotReadyAddresses": network.get("publishNotReadyAddresses") is not False,
        },
    }


def build_job(
    job_set: Object, replicated_job: Object, index: int, *, restarts: int, own_restarts: int
) -> Object:
    """Return the Job of a replicatedJob at an index.

    Parameters
    ----------
    restarts : int
        How often the whole JobSet was restarted.
    own_restarts : int
        How often this Job was restarted alone.
    """
    meta = job_set["metadata"]
    template = copy.deepcopy(replicated_job["template"])
    job_meta, spec = template.get("metadata") or {}, template["spec"]
    marks = _marks(job_set, replicated_job, index, restarts, own_restarts)
    spec["completionMode"] = spec.get("completionMode") or "Indexed"
    spec["suspend"] = bool(job_set["spec"].get("suspend"))
    pod = spec["template"]
    pod_meta = pod.setdefault("metadata", {})
    pod_meta["labels"] = {**(pod_meta.get("labels") or {}), **marks}
    pod_meta["annotations"] = {**(pod_meta.get("annotations") or {}), **marks}
    pod["spec"]["restartPolicy"] = pod["spec"].get("restartPolicy") or "OnFailure"
    if has_hostnames(job_set):
        pod["spec"]["subdomain"] = subdomain(job_set)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(job_set, replicated_job["name"], index),
            "namespace": meta["namespace"],
            "labels": {**(job_meta.get("labels") or {}), **marks},
            "annotations": {**(job_meta.get("annotations") or {}), **marks},
            "ownerReferences": [owner_reference(job_set, JOB_SETS)],
        },
        "spec": spec,
    }


def resumed_template(job_set: Object, replicated_job: Object) -> Object:
    """Return a merge patch that resumes a Job with the scheduling directives its template has now."""
    template = replicated_job["template"]["spec"]["template"]
    pod_meta, pod_spec = template.get("metadata") or {}, template["spec"]
    patch: Object = {
        key: pod_spec[key]
        for key in ("nodeSelector", "tolerations", "affinity", "schedulingGates")
        if pod_spec.get(key)
    }
    meta = {key: pod_meta[key] for key in ("labels", "annotations") if pod_meta.get(key)}
    changes = {key: part for key, part in (("metadata", meta), ("spec", patch)) if part}
    suspend = bool(job_set["spec"].get("suspend"))
    return {"spec": {"suspend": suspend, **({"template": changes} if changes else {})}}


def _marks(
    job_set: Object, replicated_job: Object, index: int, restarts: int, own_restarts: int
) -> dict[str, str]:
    """Return what is both label and annotation of a Job and its pods."""
    meta, spec = job_set["metadata"], job_set["spec"]
    name = job_name(job_set, replicated_job["name"], index)
    group = replicated_job.get("groupName") or "default"
    earlier, earlier_in_group, total, total_in_group = 0, 0, 0, 0
    passed = False
    for other in spec["replicatedJobs"]:
        passed = passed or other["name"] == replicated_job["name"]
        same_group = (other.get("groupName") or "default") == group
        count = replicas_of(other)
        total += count
        total_in_group += count if same_group else 0
        earlier += 0 if passed else count
        earlier_in_group += count if same_group and not passed else 0
    marks = {
        JOB_SET_NAME: meta["name"],
        PREFIX + "jobset-uid": meta["uid"],
        REPLICATED_JOB_NAME: replicated_job["name"],
        RESTART_ATTEMPT: str(restarts),
        PREFIX + "replicatedjob-replicas": str(replicas_of(replicated_job)),
        PREFIX + "global-replicas": str(total),
        JOB_INDEX: str(index),
        PREFIX + "job-global-index": str(earlier + index),
        PREFIX + "job-key": _key(f"{meta['namespace']}/{name}"),
        PREFIX + "group-name": group,
        PREFIX + "group-replicas": str(total_in_group),
        PREFIX + "job-group-index": str(earlier_in_group + index),
        JOB_RESTART_ATTEMPT: str(own_restarts),
    }
    coordinator = spec.get("coordinator")
    if coordinator:
        host = job_name(job_set, coordinator["replicatedJob"], int(coordinator.get("jobIndex") or 0))
        marks[PREFIX + "coordinator"] = f"{host}-{int(coordinator.get('podIndex') or 0)}.{subdomain(job_set)}"
    return marks


def _key(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
