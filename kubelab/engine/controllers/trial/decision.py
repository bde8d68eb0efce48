"""What to do about a Trial: a pure function from it, what runs it, and what it has reported.

Upstream: katib v0.19.0, ``pkg/controller.v1beta1/trial``. Unlike there a trial knows while it runs what it
reports, and a message says which metrics were reported where the objective was not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.katib import conditions
from kubelab.engine.controllers.katib.paths import PathError, match
from kubelab.engine.controllers.katib.trials import has_ended, observation_object
from kubelab.tuning import Problem, Report, Stop, TrialRecord, objective_value, observe

RunAction = Literal["", "create", "adopt", "delete", "suspend"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a trial beyond its run.

    Parameters
    ----------
    reports : mapping of str to sequence of Report
        What it reported of each metric of the search.
    other_metrics : tuple of str
        Names of other metrics that it reported.
    complete : bool
        Whether everything it reported has been read.
    stop : Stop, optional
        Why it should be stopped.
    killed : str
        Why it must be killed; empty where it need not.
    refusal : str
        Why what should run it can never be created; empty where it can.
    """

    reports: Mapping[str, Sequence[Report]] = field(default_factory=dict)
    other_metrics: tuple[str, ...] = ()
    complete: bool = False
    stop: Stop | None = None
    killed: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class TrialDecision:
    """What to do about a Trial, and why.

    Attributes
    ----------
    status : dict
        Its status as it should be.
    run : {"", "create", "adopt", "delete", "suspend"}
        What to do about what runs it.
    read_on : bool
        Whether it waits for the rest of what was reported.
    """

    status: Object
    run: RunAction = ""
    read_on: bool = False
    notes: tuple[Note, ...] = ()
    reason: str = ""


def decide(
    trial: Object,
    run: Object | None,
    problem: Problem,
    evidence: Evidence,
    now: datetime,
) -> TrialDecision:
    """Return what to do about a Trial.

    Parameters
    ----------
    trial : dict
        The Trial as last written.
    run : dict or None
        The Job, TrainJob or JAXJob of its name, if there is one.
    problem : Problem
        The search that it is part of.
    evidence : Evidence
        What else is known.
    now : datetime
        The time.
    """
    status = dict(trial.get("status") or {})
    if trial["metadata"].get("deletionTimestamp"):
        return TrialDecision(status, reason="the Trial is being deleted")
    if has_ended(trial):
        return _after(trial, run, status)
    listed = conditions.mark(status.get("conditions"), "Created", "TrialCreated", "Trial is created", now)
    status = {**status, "conditions": listed, "startTime": status.get("startTime") or rfc3339(now)}
    if evidence.killed:
        return _ended(status, "Killed", "TrialKilled", f"Trial is killed: {evidence.killed}", problem, evidence, now)
    if evidence.refusal:
        return _failed(status, run, evidence.refusal, "", now)
    if run is None:
        return TrialDecision(status, run="create", reason="what runs it is missing")
    stranger = _stranger(trial, run)
    if stranger:
        return _failed(status, run, stranger, "", now)
    action: RunAction = "" if _is_adopted(trial, run) else "adopt"
    return _judged(trial, status, run, action, problem, evidence, now)


def _judged(
    trial: Object,
    status: Object,
    run: Object,
    action: RunAction,
    problem: Problem,
    evidence: Evidence,
    now: datetime,
) -> TrialDecision:
    try:
        failure = match(run, trial["spec"].get("failureCondition") or "")
        success = match(run, trial["spec"].get("successCondition") or "")
    except PathError as error:
        return _failed(status, run, str(error), "", now)
    if failure is not None:
        return _failed(status, run, str(failure.get("message") or ""), str(failure.get("reason") or ""), now)
    if success is not None:
        if not evidence.complete:
            reason = "its metrics are still being read"
            return TrialDecision(_running(status, now), action, read_on=True, reason=reason)
        return _succeeded(status, run, action, success, problem, evidence, now)
    if evidence.stop is not None:
        stop = evidence.stop
        return _ended(status, "EarlyStopped", "TrialEarlyStopped", stop.reason, problem, evidence, now)
    was_running = conditions.is_true(status["conditions"], "Running")
    name = run["metadata"]["name"]
    notes = () if was_running else (Note("Normal", "JobRunning", f"Job {name} is running"),)
    return TrialDecision(_running(status, now), action, notes=notes, reason="it runs")


def _after(trial: Object, run: Object | None, status: Object) -> TrialDecision:
    """Return what becomes of the run of a trial that is over."""
    if run is None or run["metadata"].get("deletionTimestamp") or _stranger(trial, run):
        return TrialDecision(status, reason="it has ended")
    if not trial["spec"].get("retainRun"):
        note = Note("Normal", "JobDeleted", f"Job {run['metadata']['name']} has been deleted")
        return TrialDecision(status, run="delete", notes=(note,), reason="it has ended")
    if _still_runs(trial, run) and not is_suspended(run):
        return TrialDecision(status, run="suspend", reason="it has ended, and its run is kept")
    return TrialDecision(status, reason="it has ended")


def _still_runs(trial: Object, run: Object) -> bool:
    try:
        return all(
            match(run, trial["spec"].get(each) or "") is None for each in ("failureCondition", "successCondition")
        )
    except PathError:
        return False


def is_suspended(run: Object) -> bool:
    """Say whether a Job, TrainJob or JAXJob is suspended."""
    spec = run.get("spec") or {}
    return bool(spec.get("suspend") or (spec.get("runPolicy") or {}).get("suspend"))


def _running(status: Object, now: datetime) -> Object:
    listed = conditions.mark(status["conditions"], "Running", "TrialRunning", "Trial is running", now)
    return {**status, "conditions": listed}


def _succeeded(
    status: Object,
    run: Object,
    action: RunAction,
    success: Object,
    problem: Problem,
    evidence: Evidence,
    now: datetime,
) -> TrialDecision:
    name = run["metadata"]["name"]
    if problem.objective not in evidence.reports or not evidence.reports[problem.objective]:
        message = f"Metrics are not available. {_what_was_reported(problem, evidence)}"
        note = Note("Warning", "MetricsUnavailable", f"Metrics are not available for Job {name}")
        reason, message = _with_run("MetricsUnavailable", message, success)
        return _ended(status, "MetricsUnavailable", reason, message, problem, evidence, now, action, note)
    message = "Trial has succeeded"
    if objective_value(problem, _record(problem, evidence)) is None:
        message += f". {problem.objective} was never a number but NaN, so it cannot be the best"
    reason, message = _with_run("TrialSucceeded", message, success)
    note = Note("Normal", "JobSucceeded", f"Job {name} has succeeded")
    return _ended(status, "Succeeded", reason, message, problem, evidence, now, action, note)


def _what_was_reported(problem: Problem, evidence: Evidence) -> str:
    names = [name for name in problem.metrics if evidence.reports.get(name)] + list(evidence.other_metrics)
    told = f"reported were: {', '.join(names)}" if names else "nothing was reported"
    remedy = f"Print lines such as {problem.objective}=0.5, or name another objective"
    return f"{problem.objective} was never reported; {told}. {remedy}"


def _failed(
    status: Object, run: Object | None, run_message: str, run_reason: str, now: datetime
) -> TrialDecision:
    found = {"message": run_message, "reason": run_reason}
    reason, message = _with_run("TrialFailed", "Trial has failed", found)
    name = run["metadata"]["name"] if run else ""
    told = f"Job {name} has failed. {run_message} {run_reason}".rstrip()
    listed = conditions.end(status["conditions"], "Failed", reason, message, now)
    return TrialDecision(
        {**status, "conditions": listed, "completionTime": rfc3339(now)},
        notes=(Note("Warning", "JobFailed", told),),
        reason=message,
    )


def _ended(
    status: Object,
    type_: str,
    reason: str,
    message: str,
    problem: Problem,
    evidence: Evidence,
    now: datetime,
    action: RunAction = "",
    note: Note | None = None,
) -> TrialDecision:
    """Return that a trial is over, with what it reported."""
    listed = conditions.end(status["conditions"], type_, reason, message, now)
    observation = observation_object(observe(problem, _record(problem, evidence)))
    status = {**status, "conditions": listed, "completionTime": rfc3339(now), "observation": observation}
    return TrialDecision(status, action, notes=(note or Note("Normal", reason, message),), reason=message)


def _with_run(reason: str, message: str, condition: Mapping[str, object]) -> tuple[str, str]:
    """Return reason and message with those of the run's own condition, as upstream words them."""
    if condition.get("message"):
        message = f"{message}. Job message: {condition['message']}"
    if condition.get("reason"):
        reason = f"{reason}. Job reason: {condition['reason']}"
    return reason, message


def _record(problem: Problem, evidence: Evidence) -> TrialRecord:
    reports = {name: tuple(listed) for name, listed in evidence.reports.items()}
    return TrialRecord("", 0, {}, reports=reports)


def _is_adopted(trial: Object, run: Object) -> bool:
    owners = run["metadata"].get("ownerReferences") or ()
    return any(each.get("controller") and each["uid"] == trial["metadata"]["uid"] for each in owners)


def _stranger(trial: Object, run: Object) -> str:
    """Return why a run of the trial's name is not the trial's; empty where it is."""
    if _is_adopted(trial, run):
        return ""
    controllers = [each["uid"] for each in run["metadata"].get("ownerReferences") or () if each.get("controller")]
    experiments = [each["uid"] for each in trial["metadata"].get("ownerReferences") or ()]
    if controllers and controllers[0] in experiments:
        return ""
    name = run["metadata"]["name"]
    return f"a {run.get('kind')} named {name} exists that is not the trial's. Delete it and the Trial."
