"""What to do about a Trial: a pure function from it, what runs it, and what it has reported.

Upstream: katib v0.19.0, ``pkg/controller.v1beta1/trial``. Unlike there a trial's reports are known while it
runs, and a message says what was reported where the objective was not.
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
from kubelab.engine.katib.paths import PathError, match
from kubelab.sweeps.trials import has_ended, observation_object
from kubelab.tuning import Problem, Report, Stop, TrialRecord, objective_value, observe

RunAction = Literal["", "create", "adopt", "delete", "suspend"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a trial beyond its run.

    Parameters
    ----------
    reports : mapping of str to sequence of Report
        What it reported of each metric of the search.
    complete : bool
        Whether everything it reported has been read.
    unavailable : str
        Why the objective has no value, where it has none.
    stop : Stop, optional
        Why it should be stopped.
    killed : str
        Why it must be killed; empty where it need not.
    refusal : str
        Why what should run it can never be created; empty where it can.
    cause : str
        How its containers failed; empty where none did.
    """

    reports: Mapping[str, Sequence[Report]] = field(default_factory=dict)
    complete: bool = False
    unavailable: str = ""
    stop: Stop | None = None
    killed: str = ""
    refusal: str = ""
    cause: str = ""


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
    trial: Object, run: Object | None, problem: Problem, evidence: Evidence, now: datetime
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
    return _judged(trial, run, _Ending(status, problem, evidence, now))


def _judged(trial: Object, run: Object | None, ending: _Ending) -> TrialDecision:
    evidence, name = ending.evidence, trial["metadata"]["name"]
    if evidence.killed:
        return ending.observed("Killed", "TrialKilled", f"Trial is killed: {evidence.killed}")
    if evidence.refusal:
        return ending.failed(name, evidence.refusal)
    created = Note("Normal", "JobCreated", f"Job {name} has been created")
    if run is None:
        reason = "what runs it is missing"
        return TrialDecision(ending.status, "create", notes=(created,), reason=reason)
    if is_stranger(trial, run):
        return _beside_stranger(trial, run, ending)
    if not _is_adopted(trial, run):
        status = _running(ending.status, ending.now)
        return TrialDecision(status, "adopt", notes=(created,), reason="its run is to be its own")
    return _judged_by_run(trial, run, ending)


def _beside_stranger(trial: Object, run: Object, ending: _Ending) -> TrialDecision:
    """Return what a trial does whose name is taken: it fails, unless its place is about to be free."""
    if _is_left_over(trial, run):
        return TrialDecision(ending.status, reason="the run of an earlier trial of this name is still there")
    name = trial["metadata"]["name"]
    problem = f"a {run.get('kind')} named {name} exists that is not the trial's"
    return ending.failed(name, f"{problem}. Delete it and the Trial.")


def _judged_by_run(trial: Object, run: Object, ending: _Ending) -> TrialDecision:
    name, evidence = run["metadata"]["name"], ending.evidence
    try:
        failure = match(run, trial["spec"].get("failureCondition") or "")
        success = match(run, trial["spec"].get("successCondition") or "")
    except PathError as error:
        return ending.failed(name, str(error))
    if failure is not None:
        return ending.failed(name, str(failure.get("message") or ""), str(failure.get("reason") or ""))
    if success is not None:
        return ending.succeeded(name, success) if evidence.complete else _read_on(ending)
    if evidence.stop is not None:
        return ending.observed("EarlyStopped", "TrialEarlyStopped", evidence.stop.reason)
    was_running = conditions.is_true(ending.status["conditions"], "Running")
    notes = () if was_running else (Note("Normal", "JobRunning", f"Job {name} is running"),)
    return TrialDecision(_running(ending.status, ending.now), notes=notes, reason="it runs")


def _read_on(ending: _Ending) -> TrialDecision:
    reason = "its metrics are still being read"
    return TrialDecision(_running(ending.status, ending.now), read_on=True, reason=reason)


def _running(status: Object, now: datetime) -> Object:
    listed = conditions.mark(status["conditions"], "Running", "TrialRunning", "Trial is running", now)
    return {**status, "conditions": listed}


def _after(trial: Object, run: Object | None, status: Object) -> TrialDecision:
    """Return what becomes of the run of a trial that is over."""
    if run is None or run["metadata"].get("deletionTimestamp") or is_stranger(trial, run):
        return TrialDecision(status, reason="it has ended")
    if not trial["spec"].get("retainRun"):
        note = Note("Normal", "JobDeleted", f"Job {run['metadata']['name']} has been deleted")
        return TrialDecision(status, run="delete", notes=(note,), reason="it has ended")
    if _still_runs(trial, run) and not is_suspended(run):
        return TrialDecision(status, run="suspend", reason="it has ended, and its run is kept")
    return TrialDecision(status, reason="it has ended")


def _still_runs(trial: Object, run: Object) -> bool:
    ends = [trial["spec"].get(each) or "" for each in ("failureCondition", "successCondition")]
    try:
        return all(match(run, each) is None for each in ends)
    except PathError:
        return False


def is_suspended(run: Object) -> bool:
    """Say whether a Job, TrainJob or JAXJob is suspended."""
    spec = run.get("spec") or {}
    return bool(spec.get("suspend") or (spec.get("runPolicy") or {}).get("suspend"))


def is_stranger(trial: Object, run: Object) -> bool:
    """Say whether a run of a trial's name belongs neither to it nor to its Experiment."""
    owners = [each["uid"] for each in trial["metadata"].get("ownerReferences") or ()]
    return not _controllers(run) & {trial["metadata"]["uid"], *owners}


def _is_left_over(trial: Object, run: Object) -> bool:
    """Say whether a run goes soon, since the earlier Trial of this name that it belonged to is gone."""
    references = run["metadata"].get("ownerReferences") or ()
    earlier = any(
        each.get("kind") == "Trial" and each.get("name") == trial["metadata"]["name"] for each in references
    )
    return earlier or bool(run["metadata"].get("deletionTimestamp"))


def _is_adopted(trial: Object, run: Object) -> bool:
    return trial["metadata"]["uid"] in _controllers(run)


def _controllers(run: Object) -> set[str]:
    references = run["metadata"].get("ownerReferences") or ()
    return {each["uid"] for each in references if each.get("controller")}


@dataclass(frozen=True, slots=True)
class _Ending:
    """The ways in which a trial ends."""

    status: Object
    problem: Problem
    evidence: Evidence
    now: datetime

    def succeeded(self, run_name: str, condition: Mapping[str, object]) -> TrialDecision:
        """Return that its run has succeeded; without the objective that is not enough."""
        objective = self.problem.objective
        if not self.evidence.reports.get(objective):
            message = f"Metrics are not available. {self.evidence.unavailable}".rstrip(". ")
            reason, message = _with_run("MetricsUnavailable", message, condition)
            note = Note("Warning", "MetricsUnavailable", f"Metrics are not available for Job {run_name}")
            return self.observed("MetricsUnavailable", reason, message, note)
        message = "Trial has succeeded"
        if objective_value(self.problem, self._record()) is None:
            message += f". It reported nothing but NaN for {objective}, so it cannot be the best"
        reason, message = _with_run("TrialSucceeded", message, condition)
        note = Note("Normal", "JobSucceeded", f"Job {run_name} has succeeded")
        return self.observed("Succeeded", reason, message, note)

    def failed(self, run_name: str, run_message: str, run_reason: str = "") -> TrialDecision:
        """Return that its run has failed, or can never be."""
        found = {"message": run_message, "reason": run_reason}
        said = f"Trial has failed: {self.evidence.cause}" if self.evidence.cause else "Trial has failed"
        reason, message = _with_run("TrialFailed", said, found)
        note = Note("Warning", "JobFailed", f"Job {run_name} has failed. {run_message} {run_reason}".rstrip())
        return self._over("Failed", reason, message, note)

    def observed(self, type_: str, reason: str, message: str, note: Note | None = None) -> TrialDecision:
        """Return that it is over, and what it reported until then."""
        observation = observation_object(observe(self.problem, self._record()))
        decision = self._over(type_, reason, message, note or Note("Normal", reason, message))
        decision.status["observation"] = observation
        return decision

    def _over(self, type_: str, reason: str, message: str, note: Note) -> TrialDecision:
        listed = conditions.end(self.status["conditions"], type_, reason, message, self.now)
        status = {**self.status, "conditions": listed, "completionTime": rfc3339(self.now)}
        return TrialDecision(status, notes=(note,), reason=message)

    def _record(self) -> TrialRecord:
        reports = {name: tuple(listed) for name, listed in self.evidence.reports.items()}
        return TrialRecord("", 0, {}, reports=reports)


def _with_run(reason: str, message: str, condition: Mapping[str, object]) -> tuple[str, str]:
    """Return reason and message with those of the run's own condition, as upstream words them."""
    if condition.get("message"):
        message = f"{message}. Job message: {condition['message']}"
    if condition.get("reason"):
        reason = f"{reason}. Job reason: {condition['reason']}"
    return reason, message
