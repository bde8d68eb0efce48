"""Problems, trials and hypothesis strategies that the tests of tuning share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from kubelab.tuning import (
    Problem,
    Report,
    Space,
    TrialRecord,
    choice,
    integer,
    log,
    log_normal,
    normal,
    objective_value,
    suggest,
    uniform,
    when,
)
from kubelab.tuning.parameters import Choice, Number, Parameter
from kubelab.tuning.problem import State

SPACE = Space(
    {
        "lr": log(1e-5, 1e-1),
        "width": integer(16, 256, step=16),
        "optimizer": choice("adam", "sgd"),
        "momentum": when(uniform(0.8, 0.99), optimizer="sgd"),
    }
)


def reports(values: Sequence[float], start: int = 1, time: float | None = None) -> tuple[Report, ...]:
    """One report a step; with ``time``, one a second from then."""
    return tuple(
        Report(start + place, value, None if time is None else time + place)
        for place, value in enumerate(values)
    )


def trial(
    number: int, values: Sequence[float] = (), state: State = "Succeeded", **fields: Any
) -> TrialRecord:
    """A trial that reported these losses."""
    fields.setdefault("assignments", {})
    return TrialRecord(f"t{number}", number, state=state, reports={"loss": reports(values)}, **fields)


def search(
    problem: Problem, loss: Callable[[Mapping[str, Any]], float], trials: int, batch: int = 1
) -> list[TrialRecord]:
    """Run a whole search, each batch to its end before the next."""
    done: list[TrialRecord] = []
    while len(done) < trials:
        suggestions = suggest(problem, done, batch)
        for assignment in suggestions.assignments:
            value = loss(problem.parameters.values_of(assignment.parameters))
            done.append(
                trial(len(done), [value], assignments=assignment.parameters, labels=assignment.labels)
            )
        if suggestions.exhausted:
            break
    return done


def best_loss(problem: Problem, trials: Sequence[TrialRecord]) -> float:
    """The best objective value that was reached."""
    values = (objective_value(problem, each) for each in trials)
    return min(value for value in values if value is not None)


_FLOATS = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
_POSITIVE = st.floats(1e-8, 1e8)
_TEXTS = st.text(max_size=8)
_SCALARS = st.one_of(
    _TEXTS, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False)
)
_VALUES = st.one_of(_SCALARS, st.lists(_SCALARS, max_size=3).map(tuple))


@st.composite
def _bounds(draw: st.DrawFn, values: st.SearchStrategy[float], width: float) -> tuple[float, float]:
    low, high = sorted((draw(values), draw(values)))
    return low, high if high - low > abs(high) * width + width else low + abs(low) + 1


@st.composite
def numbers(draw: st.DrawFn) -> Number:
    """Any number that a space may have."""
    kind = draw(st.sampled_from(["uniform", "step", "log", "integer", "log integer", "normal", "log normal"]))
    low, high = draw(_bounds(_FLOATS, 1e-3))
    positive_low, positive_high = draw(_bounds(_POSITIVE, 1e-9))
    step = (high - low) / draw(st.integers(1, 40))
    whole_low, whole_high = int(low), int(high) + 1
    return {
        "uniform": lambda: uniform(low, high),
        "step": lambda: uniform(low, high, step=step),
        "log": lambda: log(positive_low, positive_high),
        "integer": lambda: integer(whole_low, whole_high, step=max((whole_high - whole_low) // 7, 1)),
        "log integer": lambda: integer(abs(whole_low) + 1, abs(whole_low) + 500, log=True),
        "normal": lambda: normal(low, high),
        "log normal": lambda: log_normal(positive_low, positive_high),
    }[kind]()


def _alike(value: Any) -> str:
    return repr(value)


choices: st.SearchStrategy[Choice] = st.lists(_VALUES, min_size=1, max_size=5, unique_by=_alike).map(
    lambda values: choice(*values)
)
parameters: st.SearchStrategy[Number | Choice] = st.one_of(numbers(), choices)


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """Any space, with and without parameters that depend on others."""
    chosen = draw(choices)
    names = draw(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=4, unique=True))
    found: dict[str, Parameter] = {"chosen!": chosen}
    for name in names:
        parameter = draw(parameters)
        value = draw(st.sampled_from(list(chosen.values())))
        found[name] = when(parameter, **{"chosen!": [value]}) if draw(st.booleans()) else parameter
    return Space(found)
