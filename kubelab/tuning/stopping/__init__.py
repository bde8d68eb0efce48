"""Early stopping: whether a trial that runs is worth going on with. One file for each rule.

`verdict` is pure, and says its reason in one sentence with the figures.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.tuning.errors import UnknownNameError
from kubelab.tuning.problem import EarlyStopping, Problem, Report, StoppingRule, TrialRecord
from kubelab.tuning.settings import read_settings
from kubelab.tuning.stopping import asha, hyperband, medianstop
from kubelab.tuning.stopping.rule import Rule, Settings, Stop

__all__ = [
    "RULES",
    "Stop",
    "brings_rule",
    "check_stopping",
    "read_by_rules",
    "rules_for_new_trial",
    "verdict",
]

RULES: dict[str, Rule] = {
    asha.NAME: asha.ASHA,
    hyperband.NAME: hyperband.HYPERBAND,
    medianstop.NAME: medianstop.MEDIANSTOP,
}


def verdict(problem: Problem, trial: TrialRecord, others: Sequence[TrialRecord]) -> Stop | None:
    """Return why a trial should be stopped, or None where it should go on.

    Parameters
    ----------
    problem : Problem
        What is searched for, with the rule by which trials are stopped.
    trial : TrialRecord
        The trial; only one that runs is ever stopped.
    others : sequence of TrialRecord
        Every other trial, whether it runs or has ended.
    """
    if trial.state != "Running":
        return None
    return next(
        (
            stop
            for rule, settings in _read(problem)
            if (stop := rule.verdict(problem, settings, trial, others)) is not None
        ),
        None,
    )


def brings_rule(problem: Problem) -> bool:
    """Say whether the algorithm stops trials by a rule of its own name.

    asha always does; hyperband where it is asked for in steps (``max_resource``) and not, as Katib's, with a
    parameter that says how much a trial gets.
    """
    return problem.algorithm == asha.NAME or hyperband.is_live(problem)


def rules_for_new_trial(problem: Problem, trials: Sequence[TrialRecord]) -> tuple[StoppingRule, ...]:
    """Return the bounds that a trial created now keeps, Katib's ``spec.earlyStoppingRules``."""
    for rule, settings in _read(problem):
        if rule is medianstop.MEDIANSTOP:
            return medianstop.rules(problem, settings, trials)
    return ()


def read_by_rules(problem: Problem, reports: Sequence[Report]) -> list[Report]:
    """Return the reports of the objective without which a verdict could be another one."""
    return [report for rule, settings in _read(problem) for report in rule.reads(settings, reports)]


def check_stopping(problem: Problem) -> None:
    """Refuse a stopping rule or setting that is not known.

    Raises
    ------
    TuningError
        With the names that there are.
    """
    _read(problem)


def _read(problem: Problem) -> list[tuple[Rule, Settings]]:
    """Return the rules that act: the one asked for, and the one that the algorithm brings."""
    asked = [problem.early_stopping] if problem.early_stopping else []
    if brings_rule(problem) and all(each.algorithm != problem.algorithm for each in asked):
        schema = RULES[problem.algorithm].schema
        own = {name: text for name, text in problem.settings.items() if name in schema}
        asked.append(EarlyStopping(problem.algorithm, own))
    for each in asked:
        if each.algorithm not in RULES:
            raise UnknownNameError("early stopping", each.algorithm, RULES)
    return [
        (RULES[each.algorithm], read_settings(each.algorithm, RULES[each.algorithm].schema, each.settings))
        for each in asked
    ]
