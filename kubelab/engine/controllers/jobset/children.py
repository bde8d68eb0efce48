"""A JobSet's Jobs, sorted by what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kubelab.client import Object
from kubelab.engine.controllers.job.decision import finished_condition
from kubelab.engine.controllers.jobset.objects import (
    JOB_INDEX,
    JOB_RESTART_ATTEMPT,
    REPLICATED_JOB_NAME,
    RESTART_ATTEMPT,
)
from kubelab.engine.controllers.jobset.replicas import job_restarts


@dataclass(frozen=True, slots=True)
class Child:
    """A Job of the JobSet's present attempt."""

    job: Object
    replicated_job: str
    index: int
    state: Literal["active", "succeeded", "failed"]

    @property
    def condition(self) -> Object:
        """The condition with which the Job finished; empty while it runs."""
        return finished_condition(self.job) or {}


@dataclass(frozen=True, slots=True)
class Children:
    """The Jobs of the present attempt by state, and those to delete."""

    active: tuple[Child, ...]
    succeeded: tuple[Child, ...]
    failed: tuple[Child, ...]
    outdated: tuple[Object, ...]
    names: frozenset[str]

    def of(self, replicated_job: str) -> tuple[Child, ...]:
        """Return the Jobs of the present attempt of one replicatedJob."""
        present = (*self.active, *self.succeeded, *self.failed)
        return tuple(child for child in present if child.replicated_job == replicated_job)


def sort_children(job_set: Object, jobs: Sequence[Object]) -> Children:
    """Sort the Jobs: an earlier attempt's is outdated, whatever its state."""
    sorted_jobs: dict[str, list[Child]] = {"active": [], "succeeded": [], "failed": []}
    outdated = []
    for job in sorted(jobs, key=lambda each: str(each["metadata"]["name"])):
        child = _child(job)
        if _is_outdated(job_set, child) or job["metadata"].get("deletionTimestamp"):
            outdated.append(job)
        else:
            sorted_jobs[child.state].append(child)
    return Children(
        active=tuple(sorted_jobs["active"]),
        succeeded=tuple(sorted_jobs["succeeded"]),
        failed=tuple(sorted_jobs["failed"]),
        outdated=tuple(outdated),
        names=frozenset(job["metadata"]["name"] for job in jobs),
    )


def _child(job: Object) -> Child:
    labels = job["metadata"].get("labels") or {}
    finished = finished_condition(job)
    state: Literal["active", "succeeded", "failed"] = "active"
    if finished is not None:
        state = "succeeded" if finished["type"] == "Complete" else "failed"
    return Child(job, labels.get(REPLICATED_JOB_NAME, ""), int(labels.get(JOB_INDEX) or 0), state)


def _is_outdated(job_set: Object, child: Child) -> bool:
    status = job_set.get("status") or {}
    labels = child.job["metadata"].get("labels") or {}
    attempt = int(labels.get(RESTART_ATTEMPT) or 0)
    own_attempt = int(labels.get(JOB_RESTART_ATTEMPT) or 0)
    if attempt < int(status.get("restarts") or 0):
        return True
    return own_attempt < job_restarts(status, child.replicated_job, child.index)
