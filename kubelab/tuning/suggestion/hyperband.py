"""``hyperband``: many trials with little, then the best of them again with more (Li et al., see `brackets`).

The settings are Katib's: ``resource_name`` is the parameter that says how much a trial gets, such as epochs,
``r_l`` the most that it may be (the paper's ``R``), ``eta`` how many times more it gets each time. A bracket
is a row of rungs; the trials of one rung must have ended before those of the next are known, and where they
have not, fewer are suggested than were asked for. Trials without a value do not go on.

With the settings of the stopping rule of the same name instead (``max_resource``, ``min_resource``, ``eta``),
trials are drawn at random and that rule ends most of them while they run. No trial is run again then, and
none waits for a rung; plain Katib does not have it.

Katib takes as many trials for the first rung as it happens to be asked for (katib v0.19.0,
``pkg/suggestion/v1beta1/hyperband/service.py``); here it is the paper's number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kubelab.tuning.brackets import Bracket, brackets
from kubelab.tuning.errors import ProblemError, SettingError
from kubelab.tuning.objective import final_value
from kubelab.tuning.parameters import Number
from kubelab.tuning.problem import Problem, TrialRecord
from kubelab.tuning.settings import RANDOM_STATE, Setting
from kubelab.tuning.stopping import hyperband as rule
from kubelab.tuning.suggestion.algorithm import (
    Algorithm,
    Assignment,
    Settings,
    Suggestions,
    random_parameters,
)
from kubelab.tuning.suggestion.random_search import suggest as suggest_random


@dataclass(frozen=True, slots=True)
class _Rung:
    """Trials that are compared: ``size`` of them with ``resource`` each, best of the rung before or new."""

    is_first: bool
    size: int
    resource: int


def check(problem: Problem, settings: Settings) -> None:
    """Refuse what Katib refuses.

    Raises
    ------
    ProblemError
        If fewer trials may run at a time than start in the widest rung.
    SettingError
        If ``resource_name`` is no parameter that is a number and always counts, or a rung gives more or less
        than it may be, which Katib would run all the same.
    """
    name = settings["resource_name"]
    if name not in problem.parameters or problem.parameters.conditions(name):
        names = ", ".join(each for each in problem.parameters if not problem.parameters.conditions(each))
        raise SettingError("hyperband", "resource_name", f"cannot be {name!r}", f"Choose one of: {names}.")
    parameter = problem.parameters.parameter(name)
    if not isinstance(parameter, Number):
        raise SettingError(
            "hyperband", "resource_name", f"cannot be {name!r}, a choice", f"Make {name} an integer()."
        )
    resources = [rung.resource for rung in _rungs(settings)]
    least, most = min(resources), max(resources)
    if least < parameter.low or most > parameter.high:
        raise SettingError(
            "hyperband",
            "r_l",
            f"gives {name} from {least} to {most}, outside its range",
            f"Give {name} that range, or choose another r_l or eta.",
        )
    widest = settings["eta"] ** _brackets(settings)[0].number
    if problem.parallel < widest:
        raise ProblemError(
            f"parallel={problem.parallel} is less than the {widest} trials of hyperband's widest rung",
            f"Use parallel={widest}, a smaller r_l, or asha, which needs no such width.",
        )


def suggest(problem: Problem, settings: Settings, trials: Sequence[TrialRecord], count: int) -> Suggestions:
    """Return trials of the rung that is being filled; none while the rung before it still runs."""
    chosen: list[Assignment] = []
    start = 0
    before: Sequence[TrialRecord] = ()
    is_open = False
    for rung in _rungs(settings):
        if is_open and not rung.is_first:
            ended = sum(trial.has_ended for trial in before)
            return _answer(chosen, count, f"{ended} trials of the rung before have ended, not yet all")
        best = [] if rung.is_first else _best(problem, before)[: rung.size]
        size = rung.size if rung.is_first else len(best)
        before = trials[start : start + size]
        for place in range(len(before), size):
            if len(chosen) == count:
                return Suggestions(tuple(chosen))
            drawn = best[place].assignments if best else random_parameters(problem, settings, start + place)
            chosen.append(_with_resource(problem, settings, rung, drawn))
        is_open = len(before) < size or not all(trial.has_ended for trial in before)
        start += size
    return _answer(chosen, count, "all brackets of hyperband were searched", exhausted=True)


def _answer(chosen: list[Assignment], count: int, reason: str, *, exhausted: bool = False) -> Suggestions:
    return Suggestions(tuple(chosen), exhausted, reason if len(chosen) < count else "")


def _with_resource(problem: Problem, settings: Settings, rung: _Rung, drawn: Mapping[str, str]) -> Assignment:
    name = settings["resource_name"]
    return Assignment({**drawn, name: problem.parameters.parameter(name).text(rung.resource)})


def _best(problem: Problem, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the trials that have a value, the best first."""
    valued = [(value, trial) for trial in trials if (value := final_value(problem, trial)) is not None]
    return [trial for _, trial in sorted(valued, key=lambda pair: (problem.sign * pair[0], pair[1].number))]


def _brackets(settings: Settings) -> list[Bracket]:
    return brackets(settings["r_l"], 1, settings["eta"])


def _rungs(settings: Settings) -> Iterator[_Rung]:
    eta = settings["eta"]
    for bracket in _brackets(settings):
        for rung in range(bracket.number + 1):
            resource = int(bracket.resource * eta**rung)
            yield _Rung(is_first=rung == 0, size=bracket.trials // eta**rung, resource=max(resource, 1))


HYPERBAND = Algorithm(
    {
        "r_l": Setting("float", least=1, required=True),
        "resource_name": Setting("text", required=True),
        "eta": Setting("int", default=3, least=2),
        **RANDOM_STATE,
    },
    suggest,
    check,
)

LIVE_HYPERBAND = Algorithm(
    {**rule.SCHEMA, **RANDOM_STATE}, suggest_random, lambda _problem, settings: rule.check(settings)
)
