"""What to do about a JobSet: a pure function from the JobSet and its Jobs to Jobs, status and events.

The rules are those of JobSet v1alpha2's controller (pkg/controllers, release 0.10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import parse_rfc3339, rfc3339
from kubelab.engine.controllers import conditions
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.jobset.children import Child, Children, sort_children
from kubelab.engine.controllers.jobset.failure import after_failure
from kubelab.engine.controllers.jobset.objects import (
    build_job,
    build_service,
    has_hostnames,
    job_name,
    replicas_of,
    resumed_template,
)
from kubelab.engine.controllers.jobset.order import may_start
from kubelab.engine.controllers.jobset.replicas import job_restarts, replicated_jobs_status


@dataclass(frozen=True, slots=True)
class JobSetDecision:
    """What to do about a JobSet, and why.

    Attributes
    ----------
    status : dict
        The JobSet's status as it should be.
    service : dict or None
        The headless Service that must exist.
    create : tuple of dict
        Jobs to create.
    delete : tuple of dict
        Jobs to delete, with their pods.
    change : tuple of (dict, dict)
        Jobs to merge-patch, and with what.
    """

    status: Object
    service: Object | None = None
    create: tuple[Object, ...] = ()
    delete: tuple[Object, ...] = ()
    change: tuple[tuple[Object, Object], ...] = ()
    notes: tuple[Note, ...] = ()
    again_after_s: float | None = None
    expired: bool = False
    reason: str = ""


def decide(job_set: Object, jobs: Sequence[Object], now: datetime) -> JobSetDecision:
    """Return what to do about a JobSet.

    Parameters
    ----------
    job_set : dict
        The JobSet as last written.
    jobs : sequence of dict
        The Jobs that it controls.
    now : datetime
        The time.
    """
    children = sort_children(job_set, jobs)
    status = {**(job_set.get("status") or {})}
    status["restarts"] = int(status.get("restarts") or 0)
    status["replicatedJobsStatus"] = replicated_jobs_status(job_set, children)
    if job_set["metadata"].get("deletionTimestamp"):
        return JobSetDecision(status, reason="the JobSet is being deleted")
    if status.get("terminalState"):
        return _after_the_end(job_set, status, children, now)
    if children.failed:
        verdict = after_failure(job_set, status, children, now)
        return JobSetDecision(
            verdict.status, delete=children.outdated, notes=verdict.notes, reason=verdict.reason
        )
    if _has_succeeded(job_set, children):
        return _complete(status, children, now)
    return _go_on(job_set, status, children, now)


def _go_on(job_set: Object, status: Object, children: Children, now: datetime) -> JobSetDecision:
    suspended = bool(job_set["spec"].get("suspend"))
    create: list[Object] = []
    change: list[tuple[Object, Object]] = []
    order_done = True
    blocked = _waits_for_all(job_set) and bool(children.outdated)
    for replicated_job in job_set["spec"].get("replicatedJobs") or ():
        startable = suspended or may_start(job_set, replicated_job, status["replicatedJobsStatus"])
        order_done = order_done and startable
        if startable:
            change += _suspend_or_resume(job_set, replicated_job, children.active)
            create += [] if blocked else _missing(job_set, replicated_job, status, children)
    notes = [*_note_suspension(status, now, suspended=suspended)]
    if not suspended:
        notes += _note_order(job_set, status, now, done=order_done)
    return JobSetDecision(
        status,
        service=build_service(job_set) if has_hostnames(job_set) else None,
        create=tuple(create),
        delete=children.outdated,
        change=tuple(change),
        notes=tuple(notes),
        reason=_reason(create, children),
    )


def _missing(job_set: Object, replicated_job: Object, status: Object, children: Children) -> list[Object]:
    missing = []
    for index in range(replicas_of(replicated_job)):
        if job_name(job_set, replicated_job["name"], index) not in children.names:
            own = job_restarts(status, replicated_job["name"], index)
            missing.append(
                build_job(job_set, replicated_job, index, restarts=status["restarts"], own_restarts=own)
            )
    return missing


def _suspend_or_resume(
    job_set: Object, replicated_job: Object, active: Sequence[Child]
) -> list[tuple[Object, Object]]:
    suspended = bool(job_set["spec"].get("suspend"))
    patch = {"spec": {"suspend": True}} if suspended else resumed_template(job_set, replicated_job)
    return [
        (child.job, patch)
        for child in active
        if child.replicated_job == replicated_job["name"]
        and bool(child.job["spec"].get("suspend")) != suspended
    ]


def _note_suspension(status: Object, now: datetime, *, suspended: bool) -> list[Note]:
    if suspended == conditions.is_true(status.get("conditions"), "Suspended"):
        return []
    reason, message = "ResumeJobs", "jobset is resumed"
    if suspended:
        reason, message = "SuspendedJobs", "jobset is suspended"
    _set(status, "Suspended", reason, message, now, value=suspended)
    return [Note("Normal", "Suspended", message)]


def _note_order(job_set: Object, status: Object, now: datetime, *, done: bool) -> list[Note]:
    if (job_set["spec"].get("startupPolicy") or {}).get("startupPolicyOrder") != "InOrder":
        return []
    type_ = "StartupPolicyCompleted" if done else "StartupPolicyInProgress"
    if conditions.is_true(status.get("conditions"), type_):
        return []
    if done:
        reason, message = "InOrderStartupPolicyCompleted", "in order startup policy has completed"
    else:
        reason, message = "InOrderStartupPolicyInProgress", "in order startup policy is in progress"
    other = "StartupPolicyInProgress" if done else "StartupPolicyCompleted"
    if conditions.find(status.get("conditions"), other):
        _set(status, other, reason, message, now, value=False)
    _set(status, type_, reason, message, now)
    return [Note("Normal", type_, message)]


def _complete(status: Object, children: Children, now: datetime) -> JobSetDecision:
    message = "jobset completed successfully"
    _set(status, "Completed", "AllJobsCompleted", message, now)
    status["terminalState"] = "Completed"
    note = Note("Normal", "AllJobsCompleted", message)
    return JobSetDecision(status, delete=children.outdated, notes=(note,), reason="all Jobs completed")


def _after_the_end(job_set: Object, status: Object, children: Children, now: datetime) -> JobSetDecision:
    """Stop what still runs, and say when the JobSet's time to live is over."""
    delete = (*children.outdated, *(child.job for child in children.active))
    ended = conditions.find(status.get("conditions"), status["terminalState"])
    ttl = job_set["spec"].get("ttlSecondsAfterFinished")
    if ttl is None or ended is None:
        return JobSetDecision(status, delete=delete, reason="finished")
    left_s = (parse_rfc3339(ended["lastTransitionTime"]) + timedelta(seconds=ttl) - now).total_seconds()
    if left_s <= 0:
        return JobSetDecision(status, delete=delete, expired=True, reason="its time to live is over")
    return JobSetDecision(status, delete=delete, again_after_s=left_s, reason="finished, kept for its ttl")


def _has_succeeded(job_set: Object, children: Children) -> bool:
    policy = job_set["spec"].get("successPolicy") or {}
    targets = policy.get("targetReplicatedJobs") or []
    replicated_jobs = [
        each for each in job_set["spec"].get("replicatedJobs") or () if not targets or each["name"] in targets
    ]
    names = {each["name"] for each in replicated_jobs}
    succeeded = sum(child.replicated_job in names for child in children.succeeded)
    if policy.get("operator") == "Any":
        return succeeded > 0
    return succeeded >= sum(map(replicas_of, replicated_jobs))


def _waits_for_all(job_set: Object) -> bool:
    strategy = (job_set["spec"].get("failurePolicy") or {}).get("restartStrategy")
    return bool(strategy == "BlockingRecreate")


def _set(status: Object, type_: str, reason: str, message: str, now: datetime, *, value: bool = True) -> None:
    condition = {"type": type_, "status": str(value), "reason": reason, "message": message}
    status["conditions"] = conditions.with_condition(status.get("conditions"), condition, rfc3339(now))


def _reason(create: Sequence[Object], children: Children) -> str:
    if create:
        return "Jobs are missing"
    return "Jobs of an earlier attempt are going" if children.outdated else "all Jobs exist"
