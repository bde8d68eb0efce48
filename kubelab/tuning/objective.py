"""Which of a trial's values counts, which trial is best, and whether the goal is reached.

Katib keeps three values of each metric, its minimum, maximum and latest (katib v0.19.0,
``pkg/controller.v1beta1/trial/trial_controller_util.go`` and ``experiment/util/status_util.go``). Unlike
there, NaN is never a minimum or maximum while there is any number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from kubelab.tuning.problem import Observation, Problem, Report, Strategy, TrialRecord

UNAVAILABLE = "unavailable"
"""What Katib writes where a metric was not reported."""


def observe(problem: Problem, trial: TrialRecord) -> tuple[Observation, ...]:
    """Return what Katib keeps of a trial's reports, for each metric of the problem."""
    return tuple(_observation(metric, trial.reports.get(metric, ())) for metric in problem.metrics)


def value_text(report: Report) -> str:
    """Return a reported value as it was written, or in its shortest form."""
    if report.text:
        return report.text
    return str(report.value) if math.isfinite(report.value) else _not_finite(report.value)


def objective_value(problem: Problem, trial: TrialRecord) -> float | None:
    """Return the value by which a trial is judged; None where it has none, or only NaN."""
    strategy = problem.strategy(problem.objective)
    for each in trial.observation:
        if each.name == problem.objective:
            chosen = getattr(each, strategy)
            return _number(each.latest if chosen == UNAVAILABLE else chosen)
    return _chosen(strategy, trial.reports.get(problem.objective, ()))


def final_value(problem: Problem, trial: TrialRecord) -> float | None:
    """Return the objective of a trial that succeeded or was stopped early; None for any other."""
    return objective_value(problem, trial) if trial.state in ("Succeeded", "EarlyStopped") else None


def best_trial(problem: Problem, trials: Iterable[TrialRecord]) -> TrialRecord | None:
    """Return the trial with the best objective, the first of equals; None where none has ended with one."""
    best: TrialRecord | None = None
    best_value = math.inf
    for trial in trials:
        value = final_value(problem, trial)
        if value is not None and (best is None or problem.sign * value < best_value):
            best, best_value = trial, problem.sign * value
    return best


def is_goal_reached(problem: Problem, trials: Iterable[TrialRecord]) -> bool:
    """Return whether a trial that has ended is as good as the goal."""
    if problem.goal is None:
        return False
    values = (final_value(problem, trial) for trial in trials)
    return any(value is not None and problem.sign * value <= problem.sign * problem.goal for value in values)


def _chosen(strategy: Strategy, reports: Sequence[Report]) -> float | None:
    if strategy == "latest":
        value = _latest(reports).value if reports else math.nan
        return None if math.isnan(value) else value
    numbers = [report.value for report in reports if not math.isnan(report.value)]
    return (min if strategy == "min" else max)(numbers) if numbers else None


def _observation(metric: str, reports: Sequence[Report]) -> Observation:
    if not reports:
        return Observation(metric, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE)
    numbers = [report for report in reports if not math.isnan(report.value)] or reports
    return Observation(
        metric,
        min=value_text(min(numbers, key=lambda report: report.value)),
        max=value_text(max(numbers, key=lambda report: report.value)),
        latest=value_text(_latest(reports)),
    )


def _latest(reports: Sequence[Report]) -> Report:
    """Return the report with the latest time, the last of those that are equal."""
    latest = reports[0]
    for report in reports:
        if report.time is None or latest.time is None or report.time >= latest.time:
            latest = report
    return latest


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return None if math.isnan(value) else value


def _not_finite(value: float) -> str:
    """Return NaN and infinities as Go writes them, and Katib with it."""
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
