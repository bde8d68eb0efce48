"""Whether a Job is over, and why: limits, deadline, policies, completions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.engine.controllers import conditions
from kubelab.engine.controllers.job.counting import Count
from kubelab.engine.controllers.job.pods import Pod
from kubelab.engine.controllers.job.policies import judge_failure, success_rule_met

DEFAULT_BACKOFF_LIMIT = 6
NO_BACKOFF_LIMIT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Ending:
    """A Job's end as its conditions tell it."""

    success: bool
    reason: str
    message: str


def find_ending(job: Object, pods: Sequence[Pod], counted: Count, now: datetime) -> Ending | None:
    """Return how the Job ends, or None while it goes on. An end once begun is not reconsidered."""
    return (
        _begun(job)
        or _failure_policy(job, counted)
        or _backoff_limit(job, pods, counted)
        or _deadline(job, now)
        or _indexes(job, counted)
        or _success_policy(job, counted)
        or _completions(job, pods, counted)
    )


def _begun(job: Object) -> Ending | None:
    listed = (job.get("status") or {}).get("conditions")
    for type_, success in (("FailureTarget", False), ("SuccessCriteriaMet", True)):
        condition = conditions.find(listed, type_)
        if condition and condition["status"] == "True":
            return Ending(success, condition.get("reason", ""), condition.get("message", ""))
    return None


def _failure_policy(job: Object, counted: Count) -> Ending | None:
    for pod in counted.newly_failed:
        verdict = judge_failure(job["spec"].get("podFailurePolicy"), pod)
        if verdict.action == "FailJob":
            return Ending(success=False, reason="PodFailurePolicy", message=verdict.message)
    return None


def _backoff_limit(job: Object, pods: Sequence[Pod], counted: Count) -> Ending | None:
    spec = job["spec"]
    default = DEFAULT_BACKOFF_LIMIT if spec.get("backoffLimitPerIndex") is None else NO_BACKOFF_LIMIT
    limit = int(default if spec.get("backoffLimit") is None else spec["backoffLimit"])
    restarts = 0
    if spec["template"]["spec"].get("restartPolicy") == "OnFailure":
        restarts = sum(pod.restarts for pod in pods if pod.phase in ("Running", "Pending"))
    if counted.failed > limit or (restarts > 0 and restarts >= limit):
        message = "Job has reached the specified backoff limit"
        return Ending(success=False, reason="BackoffLimitExceeded", message=message)
    return None


def _deadline(job: Object, now: datetime) -> Ending | None:
    limit, started = job["spec"].get("activeDeadlineSeconds"), (job.get("status") or {}).get("startTime")
    if limit is None or started is None or job["spec"].get("suspend"):
        return None
    if (now - parse_rfc3339(started)).total_seconds() < limit:
        return None
    message = "Job was active longer than specified deadline"
    return Ending(success=False, reason="DeadlineExceeded", message=message)


def _indexes(job: Object, counted: Count) -> Ending | None:
    spec = job["spec"]
    if not counted.failed_indexes:
        return None
    most = spec.get("maxFailedIndexes")
    if most is not None and len(counted.failed_indexes) > most:
        message = "Job has exceeded the specified maximal number of failed indexes"
        return Ending(success=False, reason="MaxFailedIndexesExceeded", message=message)
    if len(counted.failed_indexes) + len(counted.completed_indexes) >= int(spec["completions"]):
        return Ending(success=False, reason="FailedIndexes", message="Job has failed indexes")
    return None


def _success_policy(job: Object, counted: Count) -> Ending | None:
    spec = job["spec"]
    if spec.get("completionMode") != "Indexed":
        return None
    completions = int(spec["completions"])
    message = success_rule_met(spec.get("successPolicy"), counted.completed_indexes, completions)
    return Ending(success=True, reason="SuccessPolicy", message=message) if message else None


def _completions(job: Object, pods: Sequence[Pod], counted: Count) -> Ending | None:
    """Return the success once enough pods succeeded; without ``completions``, once one did and none runs."""
    spec = job["spec"]
    completions = spec.get("completions")
    if completions is None:
        enough = counted.succeeded > 0 and not any(pod.active for pod in pods)
    else:
        enough = counted.succeeded >= completions and not (spec.get("suspend") and completions == 0)
    message = "Reached expected number of succeeded pods"
    return Ending(success=True, reason="CompletionsReached", message=message) if enough else None
