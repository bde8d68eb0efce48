"""What a Suggestion's status should say: pure functions from it and the algorithm's answer.

Upstream: katib v0.19.0, ``pkg/controller.v1beta1/suggestion``. No Deployment stands behind a Suggestion
here, and so there is no condition DeploymentReady: the algorithm runs in the controller.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.katib import conditions
from kubelab.sweeps.names import trial_name
from kubelab.sweeps.trials import rule_object
from kubelab.tuning import StoppingRule, Suggestions

_ENDED = "Experiment is succeeded"
_RESTARTING = "Experiment is restarting"
END_REACHED = "SuggestionEndReached"


def started(suggestion: Object, now: datetime) -> Object:
    """Return the status of a Suggestion that is there."""
    status = dict(suggestion.get("status") or {})
    listed = conditions.mark(
        status.get("conditions"), "Created", "SuggestionCreated", "Suggestion is created", now
    )
    return {**status, "conditions": listed, "startTime": status.get("startTime") or rfc3339(now)}


def running(status: Object, now: datetime) -> Object:
    """Return the status of a Suggestion whose algorithm can be asked."""
    listed = conditions.without_condition(status["conditions"], "Succeeded")
    listed = conditions.mark(listed, "Running", "SuggestionRunning", "Suggestion is running", now)
    return {**status, "conditions": listed}


def failed(status: Object, call: str, problem: str, now: datetime) -> Object:
    """Return the status of a Suggestion whose search is refused by one of Katib's calls.

    The words are those of katib v0.19.0: ``suggestion_controller.go`` and
    ``suggestionclient/suggestionclient.go``.
    """
    message = f"Validation failed: {call} Error: {problem}"
    return {
        **status,
        "conditions": conditions.end(status["conditions"], "Failed", "SuggestionFailed", message, now),
    }


def answered(
    status: Object, experiment: Object, answer: Suggestions, rules: Sequence[StoppingRule], now: datetime
) -> Object:
    """Return the status with what the algorithm answered, each under the name of its trial."""
    suggested = list(status.get("suggestions") or ())
    for assignment in answer.assignments:
        entry: Object = {
            "name": trial_name(experiment, len(suggested)),
            "parameterAssignments": [
                {"name": name, "value": value} for name, value in assignment.parameters.items()
            ],
        }
        if rules and experiment["spec"].get("earlyStopping"):
            entry["earlyStoppingRules"] = [rule_object(rule) for rule in rules]
        if assignment.labels:
            entry["labels"] = dict(assignment.labels)
        suggested.append(entry)
    status = {**status, "suggestions": suggested, "suggestionCount": len(suggested)}
    if answer.exhausted:
        message = answer.reason or "There are no more suggestions"
        listed = conditions.end(status["conditions"], "Succeeded", END_REACHED, message, now)
        status["conditions"] = listed
    return status


def retired(suggestion: Object, resume_policy: str, now: datetime) -> Object:
    """Return the status of a Suggestion whose Experiment is over."""
    status = dict(suggestion.get("status") or {})
    listed = list(status.get("conditions") or ())
    if (
        conditions.is_true(listed, "Succeeded")
        or conditions.is_true(listed, "Failed")
        or is_restarting(status)
    ):
        return status
    message = "Suggestion is succeeded, can't be restarted"
    if resume_policy == "FromVolume":
        message = "Suggestion is succeeded, suggestion volume is not deleted, can be restarted"
    if conditions.find(listed, "Running") is not None:
        listed = conditions.mark(listed, "Running", _ENDED, "Suggestion is not running", now, status="False")
    listed = conditions.mark(listed, "Succeeded", _ENDED, message, now)
    return {**status, "conditions": listed}


def restarted(suggestion: Object, _resume_policy: str, now: datetime) -> Object:
    """Return the status of a Suggestion whose Experiment begins again."""
    status = dict(suggestion.get("status") or {})
    if is_restarting(status):
        return status
    listed = conditions.without_condition(status.get("conditions"), "Succeeded")
    listed = conditions.mark(listed, "Running", _RESTARTING, "Suggestion is not running", now, status="False")
    return {**status, "conditions": listed}


def is_restarting(status: Object) -> bool:
    """Say whether a Suggestion waits for its Experiment to begin again."""
    found = conditions.find(status.get("conditions"), "Running") or {}
    return found.get("status") == "False" and found.get("reason") == _RESTARTING
