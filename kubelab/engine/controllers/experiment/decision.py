"""What to do about an Experiment: a pure function from it, its trials and its Suggestion.

Upstream: katib v0.19.0, ``pkg/controller.v1beta1/experiment``. It differs from there in four ways. Trials
without metrics use up places as they use up the budget; upstream creates one too many for each. Where more
trials run than may, only such that have not ended are deleted. A trial that was deleted that way comes back
when there is a place for it. Without maxTrialCount an Experiment that is over stays so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.experiment.summary import summarize
from kubelab.engine.controllers.katib import conditions
from kubelab.engine.controllers.katib.names import PAUSED_ANNOTATION, STOPPED_ANNOTATION, is_annotated
from kubelab.engine.controllers.katib.trials import has_ended
from kubelab.tuning import Problem

MAX_TRIALS_REACHED = "ExperimentMaxTrialsReached"
_RESTARTABLE = ("LongRunning", "FromVolume")
_FINISHED = ("Succeeded", "MetricsUnavailable", "Failed", "Killed", "EarlyStopped")

SuggestionChange = Literal["", "retire", "restart"]


@dataclass(frozen=True, slots=True)
class ExperimentDecision:
    """What to do about an Experiment, and why.

    Attributes
    ----------
    status : dict
        Its status as it should be.
    requests : int or None
        How many suggestions to ask for in all; None where that is to stay.
    create : tuple of dict
        The suggestions to create trials of.
    delete : tuple of dict
        Trials that are too many.
    suggestion : {"", "retire", "restart"}
        Whether the Suggestion is to end with the Experiment, or to begin again with it.
    """

    status: Object
    requests: int | None = None
    create: tuple[Object, ...] = ()
    delete: tuple[Object, ...] = ()
    suggestion: SuggestionChange = ""
    notes: tuple[Note, ...] = ()
    reason: str = ""


def decide(
    experiment: Object,
    trials: Sequence[Object],
    suggestion: Object | None,
    problem: Problem | None,
    now: datetime,
    *,
    refusal: str = "",
) -> ExperimentDecision:
    """Return what to do about an Experiment.

    Parameters
    ----------
    experiment : dict
        The Experiment as last written, with its defaults.
    trials : sequence of dict
        The Trials that it controls.
    suggestion : dict or None
        Its Suggestion.
    problem : Problem or None
        The search that it asks for; None where it is none.
    now : datetime
        The time.
    refusal : str
        Why it is no search that can be made, where ``problem`` is None.
    """
    status = dict(experiment.get("status") or {})
    if experiment["metadata"].get("deletionTimestamp"):
        return ExperimentDecision(status, reason="the Experiment is being deleted")
    listed = conditions.mark(
        status.get("conditions"), "Created", "ExperimentCreated", "Experiment is created", now
    )
    status = {**status, "conditions": listed, "startTime": status.get("startTime") or rfc3339(now)}
    if problem is None:
        return _refused(experiment, status, refusal, now)
    if trials:
        status = summarize(status, problem, trials, suggestion)
    if is_completed(status):
        if not may_restart(experiment, status):
            return ExperimentDecision(status, suggestion=_retirement(experiment), reason="completed")
        return _restarted(experiment, status, now)
    status, notes = _judged(experiment, status, problem, trials, suggestion, now)
    if is_completed(status):
        return ExperimentDecision(
            status, suggestion=_retirement(experiment), notes=notes, reason=notes[-1].message
        )
    return _populated(experiment, status, trials, suggestion)


def is_completed(status: Object) -> bool:
    """Say whether an Experiment is over."""
    listed = status.get("conditions")
    return conditions.is_true(listed, "Succeeded") or conditions.is_true(listed, "Failed")


def may_restart(experiment: Object, status: Object) -> bool:
    """Say whether an Experiment that is over goes on, since its budget of trials was raised."""
    succeeded = conditions.find(status.get("conditions"), "Succeeded") or {}
    budget = experiment["spec"].get("maxTrialCount")
    return (
        succeeded.get("status") == "True"
        and succeeded.get("reason") == MAX_TRIALS_REACHED
        and experiment["spec"].get("resumePolicy") in _RESTARTABLE
        and (budget is None or budget > finished_count(status))
    )


def finished_count(status: Object) -> int:
    """Return how many trials have ended, in whichever way."""
    return sum(
        int(status.get("trialMetricsUnavailable" if each == "MetricsUnavailable" else f"trials{each}") or 0)
        for each in _FINISHED
    )


def _refused(experiment: Object, status: Object, refusal: str, now: datetime) -> ExperimentDecision:
    if is_completed(status):
        return ExperimentDecision(status, suggestion=_retirement(experiment), reason="completed")
    note = Note("Warning", "ExperimentFailed", f"Experiment is not valid: {refusal}")
    status = _over(status, "Failed", note.reason, note.message, now)
    return ExperimentDecision(status, notes=(note,), reason=note.message)


def _restarted(experiment: Object, status: Object, now: datetime) -> ExperimentDecision:
    listed = status["conditions"]
    for type_ in ("Succeeded", "Failed"):
        listed = conditions.without_condition(listed, type_)
    note = Note("Normal", "ExperimentRestarting", "Experiment is restarted")
    listed = conditions.mark(
        conditions.without_condition(listed, "Restarting"), "Restarting", note.reason, note.message, now
    )
    status = {key: value for key, value in status.items() if key != "completionTime"}
    return ExperimentDecision(
        {**status, "conditions": listed},
        suggestion="restart" if experiment["spec"].get("resumePolicy") == "FromVolume" else "",
        notes=(note,),
        reason=note.message,
    )


def _judged(
    experiment: Object,
    status: Object,
    problem: Problem,
    trials: Sequence[Object],
    suggestion: Object | None,
    now: datetime,
) -> tuple[Object, tuple[Note, ...]]:
    """Return the status with the condition that holds now, and what to say of it."""
    verdict = _verdict(experiment, status, problem, trials, suggestion)
    if verdict is not None:
        type_, reason, message = verdict
        note = Note("Normal" if type_ == "Succeeded" else "Warning", reason, message)
        return _over(status, type_, reason, message, now), (note,)
    if not trials:
        return status, ()
    listed = conditions.mark(
        status["conditions"], "Running", "ExperimentRunning", "Experiment is running", now
    )
    return {**status, "conditions": listed}, ()


def _verdict(
    experiment: Object,
    status: Object,
    problem: Problem,
    trials: Sequence[Object],
    suggestion: Object | None,
) -> tuple[str, str, str] | None:
    """Return type, reason and message of the condition that ends an Experiment, in upstream's order."""
    spec = experiment["spec"]
    failed = int(status.get("trialsFailed") or 0) + int(status.get("trialMetricsUnavailable") or 0)
    active = int(status.get("trialsPending") or 0) + int(status.get("trialsRunning") or 0)
    most, most_failed = spec.get("maxTrialCount"), spec.get("maxFailedTrialCount")
    if trials and goal_is_reached(status, problem):
        message = "Experiment has succeeded because Objective goal has reached"
        return "Succeeded", "ExperimentGoalReached", message
    if most_failed is not None and failed and failed >= most_failed:
        return "Failed", "ExperimentFailed", "Experiment has failed because max failed count has reached"
    if most is not None and finished_count(status) >= most:
        return "Succeeded", MAX_TRIALS_REACHED, "Experiment has succeeded because max trial count has reached"
    if active:
        return None
    if is_annotated(experiment, STOPPED_ANNOTATION):
        return "Succeeded", "ExperimentStopped", "Experiment has succeeded because it was asked to stop"
    return _end_of_suggestions(trials, suggestion)


def _end_of_suggestions(
    trials: Sequence[Object], suggestion: Object | None
) -> tuple[str, str, str] | None:
    status = (suggestion or {}).get("status") or {}
    failure = conditions.find(status.get("conditions"), "Failed")
    if failure is not None and failure["status"] == "True":
        return "Failed", "ExperimentFailed", f"Suggestion has failed. {failure.get('message', '')}".rstrip()
    if conditions.is_true(status.get("conditions"), "Succeeded") and not _waiting(trials, suggestion):
        message = "Experiment has succeeded because suggestion service has reached the end"
        return "Succeeded", "ExperimentSuggestionEndReached", message
    return None


def goal_is_reached(status: Object, problem: Problem) -> bool:
    """Say whether the best trial is as good as the goal."""
    if problem.goal is None:
        return False
    metrics = ((status.get("currentOptimalTrial") or {}).get("observation") or {}).get("metrics") or ()
    strategy = problem.strategy(problem.objective)
    for metric in metrics:
        if metric["name"] == problem.objective:
            try:
                value = float(metric[strategy])
            except ValueError:
                return False
            return problem.sign * value <= problem.sign * problem.goal
    return False


def _populated(
    experiment: Object, status: Object, trials: Sequence[Object], suggestion: Object | None
) -> ExperimentDecision:
    """Return how many trials to ask for, which to create, and which are too many."""
    spec = experiment["spec"]
    parallel, most = int(spec["parallelTrialCount"]), spec.get("maxTrialCount")
    active = [trial for trial in trials if not has_ended(trial)]
    if is_annotated(experiment, STOPPED_ANNOTATION):
        return ExperimentDecision(status, reason="it was asked to stop: its trials are killed")
    if len(active) > parallel:
        newest = sorted(active, key=_age, reverse=True)[: len(active) - parallel]
        return ExperimentDecision(
            status, delete=tuple(newest), reason=f"{len(active)} trials run, {parallel} may"
        )
    if is_annotated(experiment, PAUSED_ANNOTATION):
        return ExperimentDecision(status, reason="it is paused")
    places = parallel if most is None else min(parallel, most - finished_count(status))
    missing = max(places - len(active), 0)
    if not missing:
        return ExperimentDecision(status, reason="as many trials run as may")
    return ExperimentDecision(
        status,
        requests=len(trials) + missing,
        create=tuple(_waiting(trials, suggestion)[:missing]),
        reason=f"{missing} more trials may run",
    )


def _waiting(trials: Sequence[Object], suggestion: Object | None) -> list[Object]:
    """Return the suggestions that have no trial yet."""
    names = {trial["metadata"]["name"] for trial in trials}
    suggested = ((suggestion or {}).get("status") or {}).get("suggestions") or ()
    return [each for each in suggested if each["name"] not in names]


def _over(status: Object, type_: str, reason: str, message: str, now: datetime) -> Object:
    listed = conditions.end(status["conditions"], type_, reason, message, now)
    return {**status, "conditions": listed, "completionTime": rfc3339(now)}


def _retirement(experiment: Object) -> SuggestionChange:
    return "" if experiment["spec"].get("resumePolicy") == "LongRunning" else "retire"


def _age(trial: Object) -> tuple[str, str]:
    return trial["metadata"].get("creationTimestamp", ""), trial["metadata"]["name"]
