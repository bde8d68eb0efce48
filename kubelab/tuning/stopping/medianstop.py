"""``medianstop``: a trial is stopped when its best value so far is worse than others had on average.

As Katib codes it (katib v0.19.0, ``pkg/earlystopping/v1beta1/medianstop/service.py`` and
``cmd/metricscollector/v1beta1/file-metricscollector/main.go``):

- of each succeeded trial the first ``start_step`` values are averaged;
- what it calls the median is the arithmetic mean of these averages, once ``min_trials_required`` trials have
  succeeded;
- a trial is given this bound when it is created, and keeps it;
- its best value so far is compared with the bound once, with report number ``start_step``.

Values that are NaN, which Katib's collector does not survive, count as reports and are left out of
averages. A trial whose values up to report number ``start_step`` are all NaN is stopped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from kubelab.tuning.problem import Problem, Report, StoppingRule, TrialRecord
from kubelab.tuning.settings import Setting
from kubelab.tuning.stopping.rule import Rule, Settings, Stop, figure

NAME = "medianstop"


def rules(problem: Problem, settings: Settings, trials: Sequence[TrialRecord]) -> tuple[StoppingRule, ...]:
    """Return what a trial that is created now is to be stopped by; nothing while too few have succeeded."""
    start_step = settings["start_step"]
    averages = [
        fmean(values)
        for trial in trials
        if trial.state == "Succeeded" and (values := _numbers(_first(problem, trial, start_step)))
    ]
    if len(averages) < settings["min_trials_required"]:
        return ()
    return (
        StoppingRule(
            name=problem.objective,
            value=fmean(averages),
            comparison="greater" if problem.direction == "minimize" else "less",
            start_step=start_step,
            trials=len(averages),
        ),
    )


def verdict(
    problem: Problem, settings: Settings, trial: TrialRecord, others: Sequence[TrialRecord]
) -> Stop | None:
    """Return whether a trial is stopped by the bounds that it was created with, else by today's."""
    for rule in rules(problem, settings, others) if trial.rules is None else trial.rules:
        stop = _apply(problem, rule, trial)
        if stop is not None:
            return stop
    return None


def _apply(problem: Problem, rule: StoppingRule, trial: TrialRecord) -> Stop | None:
    reports = trial.reports.get(rule.name, ())[: rule.start_step]
    if len(reports) < rule.start_step:
        return None
    step = reports[-1].step
    values = _numbers(reports)
    if not values:
        return Stop(step, NAME, f"step {step}: {rule.name} was NaN in all {len(reports)} reports")
    best = min(values) if problem.direction == "minimize" else max(values)
    if best <= rule.value if rule.comparison == "greater" else best >= rule.value:
        return None
    trials = f"{rule.trials} trials" if rule.trials else "the trials before it"
    median = f"the median {figure(rule.value)} of {trials}"
    return Stop(step, NAME, f"step {step}: {rule.name} {figure(best)} is worse than {median}")


def _first(problem: Problem, trial: TrialRecord, count: int) -> Sequence[Report]:
    return trial.reports.get(problem.objective, ())[:count]


def _numbers(reports: Sequence[Report]) -> list[float]:
    return [report.value for report in reports if not math.isnan(report.value)]


MEDIANSTOP = Rule(
    {
        "min_trials_required": Setting("int", default=3, least=1),
        "start_step": Setting("int", default=4, least=1),
    },
    verdict,
    lambda settings, reports: reports[: settings["start_step"]],
)
