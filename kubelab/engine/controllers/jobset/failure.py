"""A JobSet's failurePolicy: what follows when one of its Jobs has failed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers import conditions
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.jobset.children import Child, Children


@dataclass(frozen=True, slots=True)
class Verdict:
    """The JobSet's status after a failure, and what to say of it."""

    status: Object
    notes: tuple[Note, ...]
    reason: str


def after_failure(job_set: Object, status: Object, children: Children, now: datetime) -> Verdict:
    """Apply the first rule that matches a failed Job; without one, restart the whole set.

    Without a failurePolicy the JobSet fails.
    """
    policy = job_set["spec"].get("failurePolicy")
    if policy is None:
        first = _first(children.failed)
        message = _with_first("jobset failed due to one or more job failures", first)
        return _fail(status, "FailedJobs", message, now)
    action, child = _matching_rule(policy, children.failed)
    if action == "FailJobSet":
        message = _with_first("applying FailJobSet failure policy action", child)
        return _fail(status, "FailJobSetFailurePolicyAction", message, now)
    counts = not action.endswith("AndIgnoreMaxRestarts")
    if counts and _restarts_so_far(status) >= int(policy.get("maxRestarts") or 0):
        message = _with_first("jobset failed due to reaching max number of restarts", child)
        return _fail(status, "ReachedMaxRestarts", message, now)
    if action.startswith("RestartJobSet"):
        _count_restart(status, counts=counts)
    else:
        _count_own_restart(status, child, counts=counts)
    message = _with_first(f"applying {action} failure policy action", child)
    note = Note("Warning", f"{action}FailurePolicyAction", message)
    return Verdict(status, (note,), message)


def _matching_rule(policy: Object, failed: Sequence[Child]) -> tuple[str, Child]:
    for rule in policy.get("rules") or ():
        matching = [child for child in failed if _applies(rule, child)]
        if matching:
            return str(rule["action"]), _first(matching)
    return "RestartJobSet", _first(failed)


def _applies(rule: Object, child: Child) -> bool:
    reasons, targets = rule.get("onJobFailureReasons"), rule.get("targetReplicatedJobs")
    patterns = rule.get("onJobFailureMessagePatterns")
    message = child.condition.get("message", "")
    return (
        (not reasons or child.condition.get("reason") in reasons)
        and (not targets or child.replicated_job in targets)
        and (not patterns or any(re.search(pattern, message) for pattern in patterns))
    )


def _first(failed: Sequence[Child]) -> Child:
    return min(failed, key=lambda child: str(child.condition.get("lastTransitionTime")))


def _with_first(message: str, child: Child) -> str:
    return f"{message} (first failed job: {child.job['metadata']['name']})"


def _restarts_so_far(status: Object) -> int:
    alone = sum(
        sum(entry.get("jobRestartsCountTowardsMax") or ())
        for entry in status.get("replicatedJobsStatus") or ()
    )
    return int(status.get("restartsCountTowardsMax") or 0) + alone


def _count_restart(status: Object, *, counts: bool) -> None:
    status["restarts"] += 1
    if counts:
        status["restartsCountTowardsMax"] = int(status.get("restartsCountTowardsMax") or 0) + 1


def _count_own_restart(status: Object, child: Child, *, counts: bool) -> None:
    fields = ["jobRestarts", *(["jobRestartsCountTowardsMax"] if counts else [])]
    for entry in status["replicatedJobsStatus"]:
        if entry["name"] != child.replicated_job:
            continue
        for field in fields:
            numbers = list(entry.get(field) or ())
            numbers += [0] * (child.index + 1 - len(numbers))
            numbers[child.index] += 1
            entry[field] = numbers


def _fail(status: Object, reason: str, message: str, now: datetime) -> Verdict:
    condition = {"type": "Failed", "status": "True", "reason": reason, "message": message}
    status["conditions"] = conditions.with_condition(status.get("conditions"), condition, rfc3339(now))
    status["terminalState"] = "Failed"
    return Verdict(status, (Note("Warning", reason, message),), message)
