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
from kubelab.sweeps.names import PAUSED_ANNOTATION, STOPPED_ANNOTATION, is_annotated
from kubelab.sweeps.trials import has_ended
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
    case = _Case(experiment, status, trials, suggestion)
    verdict = case.verdict(problem)
    if verdict is not None:
        type_, note = verdict
        status = _over(status, type_, note.reason, note.message, now)
        return ExperimentDecision(
            status, suggestion=_retirement(experiment), notes=(note,), reason=note.message
        )
    if trials:
        running = "ExperimentRunning", "Experiment is running"
        status = {**status, "conditions": conditions.mark(listed, "Running", *running, now)}
    return _Case(experiment, status, trials, suggestion).populated()


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


@dataclass(frozen=True, slots=True)
class _Case:
    """An Experiment that is not over, with its trials counted."""

    experiment: Object
    status: Object
    trials: Sequence[Object]
    suggestion: Object | None

    def verdict(self, problem: Problem) -> tuple[str, Note] | None:
        """Return the condition that ends it, and what to say, in upstream's order; None while it goes on."""
        spec, status = self.experiment["spec"], self.status
        failed = int(status.get("trialsFailed") or 0) + int(status.get("trialMetricsUnavailable") or 0)
        most, most_failed = spec.get("maxTrialCount"), spec.get("maxFailedTrialCount")
        if self.trials and goal_is_reached(status, problem):
            return _success("ExperimentGoalReached", "Objective goal has reached")
        if most_failed is not None and failed and failed >= most_failed:
            return _failure("Experiment has failed because max failed count has reached")
        if most is not None and finished_count(status) >= most:
            return _success(MAX_TRIALS_REACHED, "max trial count has reached")
        if self._active():
            return None
        if is_annotated(self.experiment, STOPPED_ANNOTATION):
            return _success("ExperimentStopped", "it was asked to stop")
        return self._end_of_suggestions()

    def populated(self) -> ExperimentDecision:
        """Return how many trials to ask for, which to create, and which are too many."""
        spec, active = self.experiment["spec"], self._active()
        parallel, most = int(spec["parallelTrialCount"]), spec.get("maxTrialCount")
        if is_annotated(self.experiment, STOPPED_ANNOTATION):
            return ExperimentDecision(self.status, reason="it was asked to stop: its trials are killed")
        if len(active) > parallel:
            newest = sorted(active, key=_age, reverse=True)[: len(active) - parallel]
            reason = f"{len(active)} trials run, {parallel} may"
            return ExperimentDecision(self.status, delete=tuple(newest), reason=reason)
        if is_annotated(self.experiment, PAUSED_ANNOTATION):
            return ExperimentDecision(self.status, reason="it is paused")
        places = parallel if most is None else min(parallel, most - finished_count(self.status))
        missing = max(places - len(active), 0)
        if not missing:
            return ExperimentDecision(self.status, reason="as many trials run as may")
        return ExperimentDecision(
            self.status,
            requests=len(self.trials) + missing,
            create=tuple(self._waiting()[:missing]),
            reason=f"{missing} more trials may run",
        )

    def _active(self) -> list[Object]:
        return [trial for trial in self.trials if not has_ended(trial)]

    def _waiting(self) -> list[Object]:
        """Return the suggestions that have no trial yet."""
        names = {trial["metadata"]["name"] for trial in self.trials}
        suggested = ((self.suggestion or {}).get("status") or {}).get("suggestions") or ()
        return [each for each in suggested if each["name"] not in names]

    def _end_of_suggestions(self) -> tuple[str, Note] | None:
        listed = ((self.suggestion or {}).get("status") or {}).get("conditions")
        failure = conditions.find(listed, "Failed")
        if failure is not None and failure["status"] == "True":
            return _failure(f"Suggestion has failed. {failure.get('message', '')}".rstrip())
        if conditions.is_true(listed, "Succeeded") and not self._waiting():
            return _success("ExperimentSuggestionEndReached", "suggestion service has reached the end")
        return None


def _success(reason: str, cause: str) -> tuple[str, Note]:
    return "Succeeded", Note("Normal", reason, f"Experiment has succeeded because {cause}")


def _failure(message: str) -> tuple[str, Note]:
    return "Failed", Note("Warning", "ExperimentFailed", message)


def _over(status: Object, type_: str, reason: str, message: str, now: datetime) -> Object:
    listed = conditions.end(status["conditions"], type_, reason, message, now)
    return {**status, "conditions": listed, "completionTime": rfc3339(now)}


def _retirement(experiment: Object) -> SuggestionChange:
    return "" if experiment["spec"].get("resumePolicy") == "LongRunning" else "retire"


def _age(trial: Object) -> tuple[str, str]:
    return trial["metadata"].get("creationTimestamp", ""), trial["metadata"]["name"]
