"""How an Experiment's status counts and lists its trials, and which of them is the best.

Upstream: katib v0.19.0, ``updateTrialsSummary`` of ``pkg/controller.v1beta1/experiment/util/status_util.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kubelab.client import Object
from kubelab.sweeps.trials import record_of, state_of
from kubelab.tuning import Problem, TrialRecord, best_trial

_LISTS = {
    "Killed": ("killedTrialList", "trialsKilled"),
    "Failed": ("failedTrialList", "trialsFailed"),
    "Succeeded": ("succeededTrialList", "trialsSucceeded"),
    "EarlyStopped": ("earlyStoppedTrialList", "trialsEarlyStopped"),
    "Running": ("runningTrialList", "trialsRunning"),
    "MetricsUnavailable": ("metricsUnavailableTrialList", "trialMetricsUnavailable"),
    "Pending": ("pendingTrialList", "trialsPending"),
}
"""Under which state a trial is listed and counted."""


def summarize(
    status: Object, problem: Problem, trials: Sequence[Object], suggestion: Object | None
) -> Object:
    """Return an Experiment's status with the counts, lists and optimum of its trials.

    Parameters
    ----------
    status : dict
        The status as it was.
    problem : Problem
        What best means.
    trials : sequence of dict
        The Experiment's Trials.
    suggestion : dict or None
        Says in which order they were suggested; the first of equals is the best.
    """
    listed: dict[str, list[str]] = {state: [] for state in _LISTS}
    ordered = sorted(trials, key=_order(suggestion))
    for trial in ordered:
        state = state_of(trial) or "Pending"
        listed.get(state, listed["Pending"]).append(trial["metadata"]["name"])
    summary = dict(status)
    for each, (names, count) in _LISTS.items():
        summary[count] = len(listed[each])
        summary.pop(names, None)
        if listed[each]:
            summary[names] = listed[each]
    summary["trials"] = len(trials)
    optimum = _optimum(problem, ordered)
    if optimum is not None:
        summary["currentOptimalTrial"] = optimum
    return summary


def _optimum(problem: Problem, trials: Sequence[Object]) -> Object | None:
    by_name = {trial["metadata"]["name"]: trial for trial in trials}
    best = best_trial(problem, (_as_record(trial) for trial in trials))
    if best is None:
        return None
    trial = by_name[best.name]
    return {
        "bestTrialName": best.name,
        "parameterAssignments": trial["spec"].get("parameterAssignments") or [],
        "observation": trial["status"]["observation"],
    }


def _as_record(trial: Object) -> TrialRecord:
    suggested = {"name": trial["metadata"]["name"], **trial["spec"]}
    return record_of(suggested, 0, trial)


def _order(suggestion: Object | None) -> Callable[[Object], tuple[int, str, str]]:
    suggested = ((suggestion or {}).get("status") or {}).get("suggestions") or ()
    positions: Mapping[str, int] = {each["name"]: number for number, each in enumerate(suggested)}

    def order(trial: Object) -> tuple[int, str, str]:
        meta = trial["metadata"]
        place = positions.get(meta["name"], len(positions))
        return place, meta.get("creationTimestamp", ""), meta["name"]

    return order
