"""``hyperband``: several brackets of `asha`, some of which stop early and some of which hardly ever.

Trials are dealt out to the brackets of Li et al. (see `kubelab.tuning.brackets`) in the order of their
numbers, and when all are full, again from the first. Within a bracket a trial competes only with its own, at
the rungs ``R * eta**-s``, times ``eta`` each, below ``R``; who goes on is asha's rule, so that no trial waits
for another. That is what Optuna's ``HyperbandPruner`` (5.0) does, but for the dealing, there by a hash.

Katib has no such rule: its hyperband starts promising trials again with more (`kubelab.tuning.suggestion`).
As an algorithm, ``hyperband`` brings this rule where its settings are the rule's own.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.tuning.brackets import Bracket, bracket_of, brackets
from kubelab.tuning.errors import SettingError
from kubelab.tuning.problem import Problem, Report, TrialRecord
from kubelab.tuning.settings import Setting
from kubelab.tuning.stopping.asha import climb, first_at
from kubelab.tuning.stopping.rule import Rule, Settings, Stop

NAME = "hyperband"

SCHEMA = {
    "max_resource": Setting("int", least=1, required=True),
    "min_resource": Setting("int", default=1, least=1),
    "eta": Setting("int", default=3, least=2),
}
"""``max_resource`` is the paper's ``R``, the step at which a trial is complete; ``min_resource`` is the first
step at which one may be stopped, 1 in the paper."""


def is_live(problem: Problem) -> bool:
    """Say whether a search by hyperband is one that this rule thins out, not one with rungs of its own."""
    return problem.algorithm == NAME and "max_resource" in problem.settings


def check(settings: Settings) -> None:
    """Refuse a first step that is beyond the last.

    Raises
    ------
    SettingError
        If it is.
    """
    largest, smallest = settings["max_resource"], settings["min_resource"]
    if smallest > largest:
        raise SettingError(
            NAME,
            "min_resource",
            f"cannot be {smallest}, more than max_resource={largest}",
            "Use a smaller one.",
        )


def verdict(
    problem: Problem, settings: Settings, trial: TrialRecord, others: Sequence[TrialRecord]
) -> Stop | None:
    """Return at which rung of its bracket a trial is stopped, if at one."""
    check(settings)
    eta = settings["eta"]
    dealt = brackets(settings["max_resource"], settings["min_resource"], eta)
    own = bracket_of(trial.number, dealt)
    rivals = [other for other in others if bracket_of(other.number, dealt) == own]
    rungs = _rungs(own, eta)
    stop = climb(problem, {**settings, "bootstrap_count": 0}, trial, rivals, rungs=rungs, name=NAME)
    return stop and Stop(stop.step, stop.rule, f"{stop.reason} of bracket {own.number}")


def reads(settings: Settings, reports: Sequence[Report]) -> list[Report]:
    """Return the reports at the rungs of every bracket."""
    dealt = brackets(settings["max_resource"], settings["min_resource"], settings["eta"])
    return first_at(reports, sorted({rung for each in dealt for rung in _rungs(each, settings["eta"])}))


def _rungs(bracket: Bracket, eta: int) -> list[int]:
    return [round(bracket.resource * eta**rung) for rung in range(bracket.number)]


HYPERBAND = Rule(SCHEMA, verdict, reads)
