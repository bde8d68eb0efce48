"""What to do about a Job: a pure function from the Job and its pods to pods, status and events.

The rules are those of upstream's pkg/controller/job (Kubernetes 1.37): pods carry a tracking finalizer
until the status that counts them is written, so that none is counted twice or lost over a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import parse_rfc3339, rfc3339
from kubelab.engine.controllers import conditions
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.job.counting import Count, count
from kubelab.engine.controllers.job.ending import Ending, find_ending
from kubelab.engine.controllers.job.pods import Pod, PodPlan
from kubelab.engine.controllers.job.pods_wanted import Wanted, pods_wanted


@dataclass(frozen=True, slots=True)
class JobDecision:
    """What to do about a Job, and why.

    Attributes
    ----------
    create : tuple of PodPlan
        Pods to create.
    discard : tuple of Pod
        Pods to delete without counting them (suspended, or more than wanted).
    stop : tuple of Pod
        Pods to delete because the Job is ending; they are counted as they end.
    release : tuple of Pod
        Pods that `status` counts: once it is written, their tracking finalizer goes.
    status : dict
        The Job's status as it should be.
    notes : tuple of Note
        Events to record once the status is written.
    again_after_s : float or None
        When time alone would change the decision.
    expired : bool
        The Job's time to live after it finished is over: delete it.
    reason : str
        Why, in a few words.
    """

    status: Object
    create: tuple[PodPlan, ...] = ()
    discard: tuple[Pod, ...] = ()
    stop: tuple[Pod, ...] = ()
    release: tuple[Pod, ...] = ()
    notes: tuple[Note, ...] = ()
    again_after_s: float | None = None
    expired: bool = False
    reason: str = ""


def decide(job: Object, pods: Sequence[Pod], now: datetime) -> JobDecision:
    """Return what to do about a Job.

    Parameters
    ----------
    job : dict
        The Job as last written.
    pods : sequence of Pod
        The pods that it controls, in any order.
    now : datetime
        The time.
    """
    status = dict(job.get("status") or {})
    tracked = tuple(pod for pod in pods if pod.tracked)
    if job["metadata"].get("deletionTimestamp"):
        return JobDecision(status, release=tracked, reason="the Job is being deleted")
    ended = finished_condition(job)
    if ended is not None:
        return _after_the_end(job, ended, tracked, now)
    return _go_on(job, pods, now)


def finished_condition(job: Object) -> Object | None:
    """Return the Job's Complete or Failed condition once it is True."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            found: Object = condition
            return found
    return None


def _after_the_end(job: Object, ended: Object, tracked: tuple[Pod, ...], now: datetime) -> JobDecision:
    status, ttl = dict(job["status"]), job["spec"].get("ttlSecondsAfterFinished")
    if ttl is None:
        return JobDecision(status, release=tracked, reason="finished")
    left_s = (parse_rfc3339(ended["lastTransitionTime"]) + timedelta(seconds=ttl) - now).total_seconds()
    if left_s <= 0:
        return JobDecision(status, release=tracked, expired=True, reason="its time to live is over")
    return JobDecision(status, release=tracked, again_after_s=left_s, reason="finished, kept for its ttl")


def _go_on(job: Object, pods: Sequence[Pod], now: datetime) -> JobDecision:
    spec, status = job["spec"], dict(job.get("status") or {})
    suspended = bool(spec.get("suspend"))
    notes: list[Note] = []
    if not suspended and not status.get("startTime"):
        status["startTime"] = rfc3339(now)
    counted = count(job, pods)
    ending = find_ending(job, pods, counted, now)
    if ending is not None:
        counted = count(job, pods, ending=True)
    active = tuple(pod for pod in pods if pod.active)
    wanted = Wanted()
    if ending is None:
        notes += _suspend_or_resume(status, suspended=suspended, now=now)
        wanted = pods_wanted(job, pods, counted, now)
    status = _counts(status, pods, counted, spec)
    if ending is not None:
        notes += _end(job, status, ending, counted, now, running=any(not pod.terminal for pod in pods))
    return JobDecision(
        status=status,
        create=wanted.create,
        discard=wanted.discard,
        stop=active if ending is not None else (),
        release=counted.release,
        notes=tuple(notes),
        again_after_s=_soonest(wanted.again_after_s, _deadline_s(job, status, now)),
        reason=ending.reason if ending is not None else wanted.reason,
    )


def _counts(status: Object, pods: Sequence[Pod], counted: Count, spec: Object) -> Object:
    """Return the status with its numbers; a field that is zero is left out where upstream does."""
    numbers = {
        "active": sum(pod.active for pod in pods),
        "succeeded": counted.succeeded_recorded,
        "failed": counted.failed_recorded,
    }
    rest = {key: value for key, value in status.items() if key not in numbers}
    rest |= {key: number for key, number in numbers.items() if number}
    rest["ready"] = sum(pod.active and pod.ready for pod in pods)
    rest["terminating"] = sum(pod.terminating for pod in pods)
    rest["uncountedTerminatedPods"] = {
        key: sorted(uids)
        for key, uids in (("succeeded", counted.uncounted_succeeded), ("failed", counted.uncounted_failed))
        if uids
    }
    if spec.get("completionMode") == "Indexed":
        rest.pop("completedIndexes", None)
        if counted.completed_indexes:
            rest["completedIndexes"] = counted.completed_text
        if spec.get("backoffLimitPerIndex") is not None:
            rest["failedIndexes"] = counted.failed_text
    return rest


def _suspend_or_resume(status: Object, *, suspended: bool, now: datetime) -> list[Note]:
    was = conditions.is_true(status.get("conditions"), "Suspended")
    if suspended == was:
        return []
    reason, message = ("JobSuspended", "Job suspended") if suspended else ("JobResumed", "Job resumed")
    status["conditions"] = _with(status, "Suspended", reason, message, now, value=suspended)
    if not suspended:
        status["startTime"] = rfc3339(now)
    return [Note("Normal", "Suspended" if suspended else "Resumed", message)]


def _end(
    job: Object, status: Object, ending: Ending, counted: Count, now: datetime, *, running: bool
) -> list[Note]:
    """Set the interim condition, and the final one once every pod has ended and is counted."""
    interim = "SuccessCriteriaMet" if ending.success else "FailureTarget"
    status["conditions"] = _with(status, interim, ending.reason, ending.message, now)
    if running or counted.uncounted_succeeded or counted.uncounted_failed:
        return []
    final = "Complete" if ending.success else "Failed"
    status["conditions"] = _with(status, final, ending.reason, ending.message, now)
    if not ending.success:
        return [Note("Warning", ending.reason, ending.message)]
    status["completionTime"] = rfc3339(now)
    notes = [Note("Normal", "Completed", "Job completed")]
    completions = job["spec"].get("completions")
    if completions is not None and counted.succeeded > completions:
        extra = Note(
            "Warning", "TooManySucceededPods", "Too many succeeded pods running after completion count"
        )
        notes.append(extra)
    return notes


def _with(
    status: Object, type_: str, reason: str, message: str, now: datetime, *, value: bool = True
) -> list[Object]:
    if conditions.is_true(status.get("conditions"), type_) and value:
        return list(status["conditions"])
    time = rfc3339(now)
    condition = {
        "type": type_,
        "status": str(value),
        "lastProbeTime": time,
        "reason": reason,
        "message": message,
    }
    return conditions.with_condition(status.get("conditions"), condition, time)


def _deadline_s(job: Object, status: Object, now: datetime) -> float | None:
    limit, started = job["spec"].get("activeDeadlineSeconds"), status.get("startTime")
    if limit is None or started is None or job["spec"].get("suspend"):
        return None
    return max(0.0, float(limit) - (now - parse_rfc3339(started)).total_seconds())


def _soonest(*delays_s: float | None) -> float | None:
    return min((delay_s for delay_s in delays_s if delay_s), default=None)
