"""``asha``: of the trials that come as far as a rung, only the best share goes on (Li et al. 2018).

This is the variant that stops trials instead of pausing them: rungs lie at ``min_resource * eta**k`` steps,
and a trial that reaches one goes on if its value is among the best ``1/eta`` of all values reported at that
rung *until then*, its own included. No trial waits for another. While fewer than ``eta`` have come there,
only the best goes on. These are the published semantics of Optuna's ``SuccessiveHalvingPruner`` (5.0), after
Algorithm 2 of Li et al., "A System for Massively Parallel Hyperparameter Tuning" (arXiv 1810.05934).

"Until then" is read from the times of the reports, so the verdict does not depend on when it is asked for. A
trial's value at a rung is its first report at that step or after it. NaN at a rung stops the trial and does
not compete.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from kubelab.tuning.problem import Problem, Report, TrialRecord
from kubelab.tuning.settings import Setting
from kubelab.tuning.stopping.rule import Rule, Settings, Stop, figure

NAME = "asha"

SCHEMA = {
    "min_resource": Setting("int", least=1),
    "max_resource": Setting("int", least=1),
    "eta": Setting("int", default=3, least=2),
    "bootstrap_count": Setting("int", default=0, least=0),
}
"""``min_resource`` and ``max_resource`` are steps: the first rung, and where a trial is complete. Without the
former it is a hundredth of the longest succeeded trial, as in Optuna, and nothing is stopped before one has
succeeded. ``eta`` is 3 as in Katib's hyperband. The first ``bootstrap_count`` at a rung all end there."""


def verdict(
    problem: Problem, settings: Settings, trial: TrialRecord, others: Sequence[TrialRecord]
) -> Stop | None:
    """Return at which of the rungs that a trial has reached it is stopped, if at one."""
    first = settings["min_resource"] or _first_rung(problem, others)
    if first is None:
        return None
    rungs = _rungs(first, settings["eta"], settings["max_resource"], _last_step(problem, trial))
    return climb(problem, settings, trial, others, rungs=rungs)


def climb(
    problem: Problem,
    settings: Settings,
    trial: TrialRecord,
    others: Sequence[TrialRecord],
    *,
    rungs: Sequence[int],
    name: str = NAME,
) -> Stop | None:
    """Return at which of these rungs a trial is stopped among others that climb the same ones."""
    arrived = [_arrivals(problem, [trial, *others], rung) for rung in rungs]
    climbers = {each.number for each in (trial, *others)}
    for rung, here, above in zip(rungs, arrived, [*arrived[1:], {}], strict=False):
        arrivals = {number: report for number, report in here.items() if number in climbers}
        own = arrivals.get(trial.number)
        if own is None:
            return None
        reason = _fails(problem, settings, own, arrivals, rung)
        if reason:
            return Stop(own.step, name, reason)
        # A later report shows that its trial went on; one that jumped to the next rung does not.
        climbers = {
            number
            for number, report in arrivals.items()
            if above.get(number) is not report or not _fails(problem, settings, report, arrivals, rung)
        }
    return None


def _arrivals(problem: Problem, trials: Sequence[TrialRecord], rung: int) -> dict[int, Report]:
    """Return the reports with which trials reached a rung, by the trials' numbers."""
    reached = ((each.number, at_rung(problem, each, rung)) for each in trials)
    return {number: report for number, report in reached if report is not None}


def at_rung(problem: Problem, trial: TrialRecord, rung: int) -> Report | None:
    """Return the report with which a trial reached a rung; None where it has not."""
    return next(iter(first_at(trial.reports.get(problem.objective, ()), [rung])), None)


def _fails(
    problem: Problem, settings: Settings, own: Report, arrivals: Mapping[int, Report], rung: int
) -> str:
    """Return why a report is not among those that go on from a rung; empty where it is."""
    shown = f"step {own.step}: {problem.objective} {figure(own.value)}"
    if math.isnan(own.value):
        return f"step {own.step}: {problem.objective} is NaN"
    values = sorted(
        (
            report.value
            for report in arrivals.values()
            if not math.isnan(report.value) and not _is_later(report, own)
        ),
        reverse=problem.direction == "maximize",
    )
    if len(values) <= settings["bootstrap_count"]:
        first = settings["bootstrap_count"]
        return f"{shown} is one of the first {first} at rung {rung}, which all end there"
    kept = max(len(values) // settings["eta"], 1)
    bound = values[kept - 1]
    if problem.sign * own.value <= problem.sign * bound:
        return ""
    side = "or less" if problem.direction == "minimize" else "or more"
    among = f"among the best {kept} of {len(values)} trials at rung {rung} ({figure(bound)} {side})"
    return f"{shown} is not {among}"


def _is_later(report: Report, own: Report) -> bool:
    return report.time is not None and own.time is not None and report.time > own.time


def _first_rung(problem: Problem, others: Sequence[TrialRecord]) -> int | None:
    ended = (_last_step(problem, other) for other in others if other.state == "Succeeded")
    longest = max(ended, default=0)
    return max(longest // 100, 1) if longest else None


def _last_step(problem: Problem, trial: TrialRecord) -> int:
    return max((report.step for report in trial.reports.get(problem.objective, ())), default=0)


def _rungs(first: int, eta: int, most: int | None, reached: int) -> list[int]:
    """Return the rungs up to a step, below the step at which a trial is complete."""
    return list(_climb(first, eta, min(reached, most - 1) if most else reached))


def _climb(first: int, eta: int, last: int) -> Iterator[int]:
    rung = first
    while rung <= last:
        yield rung
        rung *= eta


def reads(settings: Settings, reports: Sequence[Report]) -> list[Report]:
    """Return the reports at the rungs; none where the first rung is that of succeeded trials."""
    first = settings["min_resource"]
    if first is None or not reports:
        return []
    reached = max(report.step for report in reports)
    return first_at(reports, _rungs(first, settings["eta"], settings["max_resource"], reached))


def first_at(reports: Sequence[Report], rungs: Sequence[int]) -> list[Report]:
    """Return the reports with which rungs were reached, in the order of the rungs."""
    found = (next((report for report in reports if report.step >= rung), None) for rung in rungs)
    return [report for report in found if report is not None]


ASHA = Rule(SCHEMA, verdict, reads)
