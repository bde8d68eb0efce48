"""What a Job needs to know of a pod, and the pod it creates."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime

from kubelab.client import JOBS, Object
from kubelab.clock import parse_rfc3339
from kubelab.engine.controllers import conditions
from kubelab.engine.controllers.owners import owner_reference

TRACKING_FINALIZER = "batch.kubernetes.io/job-tracking"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
INDEX_FAILURE_COUNT = "batch.kubernetes.io/job-index-failure-count"
INDEX_IGNORED_FAILURE_COUNT = "batch.kubernetes.io/job-index-ignored-failure-count"
COMPLETION_INDEX_ENV = "JOB_COMPLETION_INDEX"


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of a Job, as far as the Job's decisions look at it."""

    name: str
    uid: str
    phase: str
    deleting: bool
    scheduled: bool
    tracked: bool
    ready: bool
    index: int | None
    index_failures: int
    index_ignored_failures: int
    restarts: int
    created_at: datetime
    finished_at: datetime | None
    object: Object

    @property
    def succeeded(self) -> bool:
        """The pod's containers ended well."""
        return self.phase == "Succeeded"

    @property
    def terminal(self) -> bool:
        """Nothing of the pod runs any more; a pod deleted before it was bound never ran."""
        return self.phase in ("Succeeded", "Failed") or (self.deleting and not self.scheduled)

    @property
    def active(self) -> bool:
        """The pod runs or will run."""
        return not self.terminal and not self.deleting

    @property
    def terminating(self) -> bool:
        """The pod still runs, but was told to stop."""
        return self.deleting and not self.terminal


def read_pod(obj: Object, now: datetime) -> Pod:
    """Return what a Job sees in a pod."""
    meta, status = obj["metadata"], obj.get("status") or {}
    annotations = meta.get("annotations") or {}
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    phase = status.get("phase", "Pending")
    return Pod(
        name=meta["name"],
        uid=meta["uid"],
        phase=phase,
        deleting=bool(meta.get("deletionTimestamp")),
        scheduled=bool((obj.get("spec") or {}).get("nodeName")),
        tracked=TRACKING_FINALIZER in (meta.get("finalizers") or ()),
        ready=conditions.is_true(status.get("conditions"), "Ready"),
        index=_number(annotations.get(COMPLETION_INDEX)),
        index_failures=_number(annotations.get(INDEX_FAILURE_COUNT)) or 0,
        index_ignored_failures=_number(annotations.get(INDEX_IGNORED_FAILURE_COUNT)) or 0,
        restarts=sum(int(container.get("restartCount") or 0) for container in containers),
        created_at=parse_rfc3339(meta["creationTimestamp"]) if meta.get("creationTimestamp") else now,
        finished_at=_finished_at(meta, status, containers, now),
        object=obj,
    )


def _finished_at(meta: Object, status: Object, containers: list[Object], now: datetime) -> datetime | None:
    """Return when a pod ended: its last container's end, as upstream's ``getFinishedTime``."""
    deleted = meta.get("deletionTimestamp")
    if status.get("phase") not in ("Succeeded", "Failed"):
        return parse_rfc3339(deleted) if deleted else None
    ends = [
        parse_rfc3339(ended["finishedAt"])
        for container in containers
        if (ended := (container.get("state") or {}).get("terminated")) and ended.get("finishedAt")
    ]
    if ends:
        return max(ends)
    ready = conditions.find(status.get("conditions"), "Ready")
    if ready and ready.get("lastTransitionTime"):
        return parse_rfc3339(ready["lastTransitionTime"])
    return now


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


@dataclass(frozen=True, slots=True)
class PodPlan:
    """A pod to create: its completion index and how often that index failed before."""

    index: int | None = None
    index_failures: int = 0
    index_ignored_failures: int = 0


def build_pod(job: Object, plan: PodPlan) -> Object:
    """Return the pod of a Job for a plan, with labels, owner and tracking finalizer."""
    meta, spec = job["metadata"], job["spec"]
    template = copy.deepcopy(spec["template"])
    template_meta = template.get("metadata") or {}
    labels = {
        **(template_meta.get("labels") or {}),
        "batch.kubernetes.io/controller-uid": meta["uid"],
        "batch.kubernetes.io/job-name": meta["name"],
        "controller-uid": meta["uid"],
        "job-name": meta["name"],
    }
    annotations = dict(template_meta.get("annotations") or {})
    prefix = f"{meta['name']}-"
    pod_spec = template["spec"]
    if plan.index is not None:
        prefix = f"{meta['name']}-{plan.index}-"
        labels[COMPLETION_INDEX] = annotations[COMPLETION_INDEX] = str(plan.index)
        pod_spec["hostname"] = f"{meta['name']}-{plan.index}"
        for container in [*(pod_spec.get("initContainers") or ()), *pod_spec["containers"]]:
            _add_index_env(container)
    if spec.get("backoffLimitPerIndex") is not None:
        annotations[INDEX_FAILURE_COUNT] = str(plan.index_failures)
        if plan.index_ignored_failures:
            annotations[INDEX_IGNORED_FAILURE_COUNT] = str(plan.index_ignored_failures)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": prefix,
            "namespace": meta["namespace"],
            "labels": labels,
            **({"annotations": annotations} if annotations else {}),
            "finalizers": [*(template_meta.get("finalizers") or ()), TRACKING_FINALIZER],
            "ownerReferences": [owner_reference(job, JOBS)],
        },
        "spec": pod_spec,
    }


def _add_index_env(container: Object) -> None:
    env = container.setdefault("env", [])
    if any(variable["name"] == COMPLETION_INDEX_ENV for variable in env):
        return
    path = f"metadata.labels['{COMPLETION_INDEX}']"
    env.append({"name": COMPLETION_INDEX_ENV, "valueFrom": {"fieldRef": {"fieldPath": path}}})
