"""What to do about a TrainJob: a pure function from it, its runtime and its JobSet.

While a TrainJob runs its conditions stay empty: the Kubeflow SDK reads any condition that is not
terminal, even ``Suspended=False``, as "Created".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import parse_rfc3339, rfc3339
from kubelab.engine.controllers import conditions
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.trainjob.lowering import lower

NOT_SUPPORTED = "TrainingRuntimeNotSupported"
DEADLINE_EXCEEDED = "DeadlineExceeded"
_COUNTS = ("name", "ready", "succeeded", "failed", "active", "suspended")


@dataclass(frozen=True, slots=True)
class Runtime:
    """The runtime that a TrainJob refers to, or why there is none."""

    object: Object | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TrainJobDecision:
    """What to do about a TrainJob, and why.

    Attributes
    ----------
    conditions, jobs_status : list of dict
        These parts of its status as they should be; ``trainerStatus`` is the pods' own.
    create : dict or None
        The JobSet to create.
    replace : dict or None
        The JobSet as it should be, where it exists and is to be suspended or resumed.
    delete_job_set : bool
        The deadline has passed: stop the pods.
    """

    conditions: list[Object]
    jobs_status: list[Object]
    create: Object | None = None
    replace: Object | None = None
    delete_job_set: bool = False
    notes: tuple[Note, ...] = ()
    again_after_s: float | None = None
    reason: str = ""


def decide(
    train_job: Object, runtime: Runtime, job_set: Object | None, now: datetime, *, server_url: str = ""
) -> TrainJobDecision:
    """Return what to do about a TrainJob.

    Parameters
    ----------
    train_job : dict
        The TrainJob as last written.
    runtime : Runtime
        Its runtime.
    job_set : dict or None
        The JobSet that it controls, if there is one.
    now : datetime
        The time.
    server_url : str
        Where pods may post their progress.
    """
    status = train_job.get("status") or {}
    listed, jobs_status = list(status.get("conditions") or ()), list(status.get("jobsStatus") or ())
    if train_job["metadata"].get("deletionTimestamp"):
        return TrainJobDecision(listed, jobs_status, reason="the TrainJob is being deleted")
    if is_finished(listed):
        return TrainJobDecision(listed, jobs_status, reason="finished")
    if runtime.object is None and job_set is None:
        return _not_supported(listed, jobs_status, runtime.problem, now)
    listed = conditions.without_condition(listed, "Failed")
    listed = _suspension(train_job, listed, now)
    if job_set is not None:
        listed = _outcome(job_set, listed)
        jobs_status = _jobs_status(job_set)
    if is_finished(listed):
        return TrainJobDecision(listed, jobs_status, reason="its JobSet finished")
    left_s = _left_s(train_job, job_set, now)
    if left_s is not None and left_s <= 0:
        return _deadline_exceeded(listed, jobs_status, now)
    wanted = lower(train_job, runtime.object, server_url=server_url) if runtime.object else None
    return TrainJobDecision(
        listed,
        jobs_status,
        create=wanted if job_set is None else None,
        replace=_suspend_or_resume(job_set, wanted),
        notes=_suspension_notes(list(status.get("conditions") or ()), listed),
        again_after_s=left_s,
        reason="its JobSet is missing" if job_set is None else "its JobSet runs",
    )


def is_finished(listed: list[Object]) -> bool:
    """Say whether the TrainJob is over; one whose runtime is missing may still come to life."""
    failed = conditions.find(listed, "Failed")
    if failed and failed["status"] == "True" and failed.get("reason") != NOT_SUPPORTED:
        return True
    return conditions.is_true(listed, "Complete")


def _not_supported(
    listed: list[Object], jobs_status: list[Object], problem: str, now: datetime
) -> TrainJobDecision:
    condition = {"type": "Failed", "status": "True", "reason": NOT_SUPPORTED, "message": problem}
    return TrainJobDecision(
        conditions.with_condition(listed, condition, rfc3339(now)),
        jobs_status,
        notes=(Note("Warning", "TrainJobResourcesCreationFailed", problem),),
        reason=problem,
    )


def _suspension(train_job: Object, listed: list[Object], now: datetime) -> list[Object]:
    """Return the conditions with Suspended while it is so, and without it afterwards.

    Upstream leaves ``Suspended=False`` with reason Resumed, which the SDK takes for "Created"
    (kubeflow/sdk#803).
    """
    if not train_job["spec"].get("suspend"):
        return conditions.without_condition(listed, "Suspended")
    condition = {
        "type": "Suspended",
        "status": "True",
        "reason": "Suspended",
        "message": "TrainJob is suspended",
    }
    return conditions.with_condition(listed, condition, rfc3339(now))


def _suspension_notes(before: list[Object], after: list[Object]) -> tuple[Note, ...]:
    was, is_now = (conditions.is_true(listed, "Suspended") for listed in (before, after))
    if was == is_now:
        return ()
    if is_now:
        return (Note("Normal", "Suspended", "TrainJob is suspended"),)
    return (Note("Normal", "Resumed", "TrainJob is resumed"),)


def _outcome(job_set: Object, listed: list[Object]) -> list[Object]:
    """Return the conditions with the JobSet's Completed or Failed, its reason and its time."""
    for theirs, ours in (("Completed", "Complete"), ("Failed", "Failed")):
        found = conditions.find((job_set.get("status") or {}).get("conditions"), theirs)
        if found and found["status"] == "True":
            fields = {key: found.get(key, "") for key in ("status", "reason", "message")}
            condition = {"type": ours, **fields}
            listed = conditions.with_condition(listed, condition, found["lastTransitionTime"])
    return listed


def _jobs_status(job_set: Object) -> list[Object]:
    entries = (job_set.get("status") or {}).get("replicatedJobsStatus") or ()
    return [{key: entry.get(key, 0) for key in _COUNTS} for entry in entries]


def _left_s(train_job: Object, job_set: Object | None, now: datetime) -> float | None:
    """Return the seconds until the deadline, counted from creation or from the last resumption."""
    limit = train_job["spec"].get("activeDeadlineSeconds")
    if not limit or train_job["spec"].get("suspend"):
        return None
    since = train_job["metadata"]["creationTimestamp"]
    suspended = conditions.find(((job_set or {}).get("status") or {}).get("conditions"), "Suspended")
    if suspended is not None:
        if suspended["status"] == "True":
            return None
        since = suspended["lastTransitionTime"]
    return (parse_rfc3339(since) + timedelta(seconds=int(limit)) - now).total_seconds()


def _deadline_exceeded(listed: list[Object], jobs_status: list[Object], now: datetime) -> TrainJobDecision:
    message = "TrainJob exceeded its active deadline"
    condition = {"type": "Failed", "status": "True", "reason": DEADLINE_EXCEEDED, "message": message}
    return TrainJobDecision(
        conditions.with_condition(listed, condition, rfc3339(now)),
        jobs_status,
        delete_job_set=True,
        notes=(Note("Warning", DEADLINE_EXCEEDED, message),),
        reason=message,
    )


def _suspend_or_resume(job_set: Object | None, wanted: Object | None) -> Object | None:
    """Return the JobSet brought up to date, only where it is to be suspended or resumed."""
    if job_set is None or wanted is None:
        return None
    if bool(job_set["spec"].get("suspend")) == wanted["spec"]["suspend"]:
        return None
    changed = {"replicatedJobs": wanted["spec"].get("replicatedJobs"), "suspend": wanted["spec"]["suspend"]}
    return {**job_set, "spec": {**job_set["spec"], **changed}}
