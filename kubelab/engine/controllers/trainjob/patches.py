"""A TrainJob's runtimePatches: labels, volumes, mounts and scheduling laid over the runtime's template."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

from kubelab.client import Object

_LISTS = {"volumes": "name", "imagePullSecrets": "name", "schedulingGates": "name"}
_REPLACED = ("serviceAccountName", "affinity", "tolerations")
_MERGED = ("nodeSelector", "securityContext")


def apply_runtime_patches(template: Object, patches: Iterable[Object]) -> None:
    """Apply the patches of all managers, in order, to a JobSet template in place."""
    for patch in patches:
        change = (patch.get("trainingRuntimeSpec") or {}).get("template") or {}
        _patch_metadata(template, change)
        replicated_jobs = (template.get("spec") or {}).get("replicatedJobs") or ()
        by_name = {each["name"]: each for each in replicated_jobs}
        for job_patch in (change.get("spec") or {}).get("replicatedJobs") or ():
            target = by_name.get(job_patch["name"])
            if target is not None:
                _patch_job(target["template"], job_patch.get("template") or {})


def upsert(target: Object, field: str, entries: Sequence[Object], *, key: str = "name") -> None:
    """Put entries into a list of named things in place: one of the same name is replaced."""
    if not entries:
        return
    listed = target.setdefault(field, [])
    positions = {entry.get(key): position for position, entry in enumerate(listed)}
    for entry in entries:
        if entry.get(key) in positions:
            listed[positions[entry[key]]] = entry
        else:
            positions[entry.get(key)] = len(listed)
            listed.append(entry)


def _patch_job(job: Object, change: Object) -> None:
    _patch_metadata(job, change)
    pod_change = (change.get("spec") or {}).get("template") or {}
    pod = job["spec"]["template"]
    _patch_metadata(pod, pod_change)
    _patch_pod_spec(pod["spec"], pod_change.get("spec") or {})


def _patch_metadata(target: Object, change: Object) -> None:
    for field in ("labels", "annotations"):
        added = (change.get("metadata") or {}).get(field)
        if added:
            target.setdefault("metadata", {}).setdefault(field, {}).update(added)


def _patch_pod_spec(spec: Object, change: Object) -> None:
    for field, key in _LISTS.items():
        upsert(spec, field, copy.deepcopy(change.get(field) or []), key=key)
    for field in _REPLACED:
        if change.get(field) is not None:
            spec[field] = copy.deepcopy(change[field])
    for field in _MERGED:
        if change.get(field):
            spec[field] = {**(spec.get(field) or {}), **copy.deepcopy(change[field])}
    for field in ("initContainers", "containers"):
        by_name = {container["name"]: container for container in spec.get(field) or ()}
        for container_change in change.get(field) or ():
            container = by_name.get(container_change["name"])
            if container is not None:
                _patch_container(container, container_change)


def _patch_container(container: Object, change: Object) -> None:
    upsert(container, "env", copy.deepcopy(change.get("env") or []))
    upsert(container, "volumeMounts", copy.deepcopy(change.get("volumeMounts") or []), key="mountPath")
    if change.get("securityContext"):
        merged = {**(container.get("securityContext") or {}), **copy.deepcopy(change["securityContext"])}
        container["securityContext"] = merged
