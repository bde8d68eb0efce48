"""What came out of a sweep, in plain words made from its trials."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from kubelab.sweeps.view import SweepView, Trial
from kubelab.tuning import Problem
from kubelab.tuning.parameters import Conditional, Number

_FAILED = ("Failed", "Killed", "MetricsUnavailable")


def conclusion(view: SweepView, importances: Mapping[str, float]) -> list[str]:
    """Return sentences: how it ended, the best trial, what mattered, what stopping saved, what failed.

    Parameters
    ----------
    view : SweepView
        The sweep as it is now; one that still runs is told of so far.
    importances : mapping of str to float
        As `kubelab.tuning.importances` returns them.
    """
    told = [_outcome(view), _best(view), _mattered(importances), _saved(view), _failed(view)]
    return [sentence for sentence in told if sentence]


def logarithmic_parameters(problem: Problem) -> list[str]:
    """Return the names of the parameters that were searched by their orders of magnitude."""
    plain = {
        name: each.parameter if isinstance(each, Conditional) else each
        for name, each in problem.parameters.items()
    }
    return [name for name, each in plain.items() if isinstance(each, Number) and each.is_logarithmic]


def _outcome(view: SweepView) -> str:
    states = [trial.state for trial in view.trials]
    counts = [
        (states.count("Succeeded"), "ran to the end"),
        (states.count("EarlyStopped"), "stopped early"),
        (sum(state in _FAILED for state in states), "failed"),
    ]
    parts = ", ".join(f"{count} {word}" for count, word in counts if count) or "none has ended"
    return f"Sweep {view.name}: {view.phase}, {_count(len(states), 'trial')} ({parts})."


def _best(view: SweepView) -> str:
    best = view.best
    if best is None or best.objective is None:
        return f"No trial has ended with a value of {view.problem.objective} yet."
    values = [trial.objective for trial in view.trials if trial.objective is not None]
    chosen = ", ".join(f"{name} {_figure(value)}" for name, value in best.parameters.items())
    said = f"The best is trial {best.number}: {best.metric} {_figure(best.objective)} with {chosen}."
    middle = median(values)
    apart = abs(best.objective - middle)
    if len(values) == 1 or not apart:
        return said
    side = "lower" if best.objective < middle else "higher"
    share = f" ({apart / abs(middle):.1%})" if middle else ""
    return (
        f"{said} That is {_figure(apart)}{share} {side} than the median of {len(values)} trials, "
        f"{_figure(middle)}."
    )


def _mattered(importances: Mapping[str, float]) -> str:
    ordered = sorted(importances.items(), key=lambda item: -item[1])
    if not ordered:
        return "There are too few values to tell which parameter mattered."
    (first, share), *others = ordered
    said = f"What mattered most is {first}: it makes {share:.0%} of what tells good trials from bad"
    rest = ", ".join(f"{name} {each:.0%}" for name, each in others)
    return f"{said}; the others: {rest}." if rest else f"{said}."


def _saved(view: SweepView) -> str:
    stopped = [trial for trial in view.trials if trial.state == "EarlyStopped"]
    full = max((trial.step or 0 for trial in view.trials if trial.state == "Succeeded"), default=0)
    if not stopped or not full:
        return ""
    saved = sum(max(full - (trial.step or 0), 0) for trial in stopped)
    of = full * sum(trial.state in {"EarlyStopped", "Succeeded"} for trial in view.trials)
    return (
        f"{_count(len(stopped), 'trial')} stopped early; that saved {saved} of {of} steps ({saved / of:.0%})."
    )


def _failed(view: SweepView) -> str:
    failed = [trial for trial in view.trials if trial.state in _FAILED]
    if not failed:
        return ""
    return "Without success: " + "; ".join(map(_complaint, failed)) + "."


def _complaint(trial: Trial) -> str:
    return f"trial {trial.number}, {trial.why.rstrip('.') or trial.state}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
