"""What is known of a search and its trials, read from the API's objects into `kubelab.tuning`'s."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kubelab.client import Object
from kubelab.tuning import Observation, Report, StoppingRule, TrialRecord
from kubelab.tuning.problem import State

ENDS: tuple[State, ...] = ("Killed", "Failed", "Succeeded", "EarlyStopped", "MetricsUnavailable")
"""The conditions that end a trial, in the order in which Katib counts them (``status_util.go``)."""

Reports = Mapping[str, Sequence[Report]]
"""What a trial reported, by metric."""


def state_of(trial: Object) -> State | None:
    """Return the condition by which a trial is counted; None before its first."""
    listed = (trial.get("status") or {}).get("conditions") or ()
    true = {each["type"] for each in listed if each["status"] == "True"}
    states: tuple[State, ...] = (*ENDS, "Running", "Created")
    return next((state for state in states if state in true), None)


def has_ended(trial: Object) -> bool:
    """Say whether a trial is over."""
    return state_of(trial) in ENDS


def assignments_of(obj: Object) -> dict[str, str]:
    """Return the parameters of a Trial's spec or of a suggestion."""
    return {each["name"]: str(each["value"]) for each in obj.get("parameterAssignments") or ()}


def record_of(
    suggested: Object, number: int, trial: Object | None, reports: Reports | None = None
) -> TrialRecord:
    """Return what is known of one trial.

    Parameters
    ----------
    suggested : dict
        Its entry of ``status.suggestions``.
    number : int
        How many were suggested before it.
    trial : dict or None
        Its object, if there is one.
    reports : mapping, optional
        What it reported.
    """
    return TrialRecord(
        name=suggested["name"],
        number=number,
        assignments=assignments_of(suggested),
        state=(state_of(trial) if trial else None) or "Created",
        reports={metric: tuple(listed) for metric, listed in (reports or {}).items()},
        observation=observation_of(trial) if trial else (),
        labels=suggested.get("labels") or {},
        rules=rules_of(trial["spec"]) if trial else None,
    )


def records_of(
    suggestion: Object | None, trials: Mapping[str, Object], reports: Mapping[str, Reports]
) -> list[TrialRecord]:
    """Return every trial that was ever suggested, by number.

    Parameters
    ----------
    suggestion : dict or None
        The Suggestion, which says in which order they were suggested.
    trials : mapping of str to dict
        The Trials by name.
    reports : mapping
        What each trial reported, by its name.
    """
    suggested = ((suggestion or {}).get("status") or {}).get("suggestions") or ()
    return [
        record_of(each, number, trials.get(each["name"]), reports.get(each["name"]))
        for number, each in enumerate(suggested)
    ]


def observation_of(trial: Object) -> tuple[Observation, ...]:
    """Return ``status.observation`` of a Trial."""
    listed = ((trial.get("status") or {}).get("observation") or {}).get("metrics") or ()
    return tuple(Observation(each["name"], each["min"], each["max"], each["latest"]) for each in listed)


def observation_object(observation: Iterable[Observation]) -> Object:
    """Return an observation as Katib's status has it."""
    metrics = [
        {"name": each.name, "min": each.min, "max": each.max, "latest": each.latest} for each in observation
    ]
    return {"metrics": metrics}


def rules_of(spec: Object) -> tuple[StoppingRule, ...]:
    """Return ``earlyStoppingRules`` of a Trial's spec."""
    return tuple(
        StoppingRule(
            each["name"],
            float(each["value"]),
            each.get("comparison", "less"),
            int(each.get("startStep") or 1),
            each.get("trials"),
        )
        for each in spec.get("earlyStoppingRules") or ()
    )


def rule_object(rule: StoppingRule) -> Object:
    """Return a rule as Katib's spec has it; ``trials``, beyond Katib, is how many the bound is made from."""
    return {**rule.to_katib(), **({} if rule.trials is None else {"trials": rule.trials})}
