"""``grid``: every combination once, in an order that the seed shuffles, as Optuna's grid does."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from functools import lru_cache

from kubelab.tuning.errors import ProblemError, SpaceError
from kubelab.tuning.parameters import Choice, Number
from kubelab.tuning.problem import Problem, TrialRecord
from kubelab.tuning.settings import RANDOM_STATE
from kubelab.tuning.space import Space
from kubelab.tuning.suggestion.algorithm import Algorithm, Assignment, Settings, Suggestions, seed_text

MOST_COMBINATIONS = 100_000
"""A larger grid would never be searched to its end."""


def check(problem: Problem, _: Settings) -> None:
    """Refuse a grid that is endless, too large, or smaller than the trials that are asked for.

    Raises
    ------
    SpaceError
        If a parameter is continuous.
    ProblemError
        If there are too many combinations, or fewer than ``max_trials``, as Katib has it.
    """
    combinations = _size(problem.parameters)
    if problem.max_trials is not None and problem.max_trials > combinations:
        raise ProblemError(
            f"max_trials={problem.max_trials} is more than the grid's {combinations} combinations",
            f"Use max_trials={combinations}.",
        )


def suggest(problem: Problem, settings: Settings, trials: Sequence[TrialRecord], count: int) -> Suggestions:
    """Return the next combinations; the search is exhausted once all were suggested."""
    grid = _grid(problem.parameters, seed_text(problem, settings))
    chosen = grid[len(trials) : len(trials) + count]
    exhausted = len(trials) + len(chosen) >= len(grid)
    reason = f"all {len(grid)} combinations of the grid were suggested" if len(chosen) < count else ""
    return Suggestions(tuple(Assignment(dict(combination)) for combination in chosen), exhausted, reason)


@lru_cache(maxsize=8)
def _grid(space: Space, seed: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return every combination in the seed's order."""
    _size(space)
    combinations = [
        tuple((name, each[name]) for name in space if name in each) for each in _combinations(space)
    ]
    random.Random(seed).shuffle(combinations)  # noqa: S311 - no secret
    return tuple(combinations)


def _size(space: Space) -> int:
    """Return how many combinations there are; refuse a grid that has no end, or that nobody would see end."""
    for name in space:
        if space.parameter(name).count is None:
            raise SpaceError(
                "a grid has no end over a continuous range",
                "Give it a step, such as uniform(0, 1, step=0.1), or name values: choice(0.1, 0.5). "
                "random, tpe and asha need no step.",
                name,
            )
    size = _count(space)
    if size > MOST_COMBINATIONS:
        raise ProblemError(
            f"the grid has {size:,} combinations, more than {MOST_COMBINATIONS:,}",
            "Use larger steps, or the algorithm random.",
        )
    return size


def _count(space: Space) -> int:
    """Return how many combinations there are, without making them.

    Only the parameters on which others depend are gone through; the rest multiply.
    """
    deciding = sorted({other for name in space for other in space.conditions(name)})
    found: dict[tuple[tuple[str, str], ...], int] = {}
    for row in itertools.product(*(_texts(space.parameter(name)) for name in deciding)):
        counting = space.choose({**dict.fromkeys(space, ""), **dict(zip(deciding, row, strict=True))})
        decided = tuple((name, counting[name]) for name in deciding if name in counting)
        sizes = (space.parameter(name).count or 1 for name in counting if name not in deciding)
        found[decided] = math.prod(sizes)
    return sum(found.values())


def _combinations(space: Space) -> list[dict[str, str]]:
    """Return every combination, each with the parameters that count in it."""
    found: list[dict[str, str]] = [{}]
    for name in space.ordered():
        texts = _texts(space.parameter(name))
        found = [
            each
            for chosen in found
            for each in (
                [{**chosen, name: text} for text in texts] if space.does_count(name, chosen) else [chosen]
            )
        ]
    return found


def _texts(parameter: Number | Choice) -> list[str]:
    return [parameter.text(value) for value in parameter.values()]


GRID = Algorithm(RANDOM_STATE, suggest, check)
