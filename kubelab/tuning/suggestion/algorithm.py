"""What every suggestion algorithm is: its settings, what it asks of a problem, and how it goes on."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kubelab.tuning.problem import Problem, TrialRecord
from kubelab.tuning.settings import Schema

Settings = Mapping[str, Any]
"""An algorithm's settings as `kubelab.tuning.settings.read_settings` gives them."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """The parameters of one trial to be.

    Parameters
    ----------
    parameters : mapping of str to str
        As Katib writes them; those that do not count in this trial are not there.
    labels : mapping of str to str
        What the trial is to be labelled with, so that the algorithm finds its place again.
    """

    parameters: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What an algorithm answers.

    Parameters
    ----------
    assignments : tuple of Assignment
        At most as many as were asked for.
    exhausted : bool
        Whether there will never be more.
    reason : str
        Why there are fewer than were asked for; empty where there are not.
    """

    assignments: tuple[Assignment, ...]
    exhausted: bool = False
    reason: str = ""


Suggest = Callable[[Problem, Settings, Sequence[TrialRecord], int], Suggestions]


def _check_nothing(problem: Problem, settings: Settings) -> None:
    """Accept every problem."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A way to choose the next trials.

    Parameters
    ----------
    schema : mapping of str to Setting
        The settings that it has.
    suggest : callable
        Goes from the problem, the settings, the trials in the order of their numbers, and how many more
        are wanted, to `Suggestions`. The same arguments give the same answer.
    check : callable
        Raises a `TuningError` where the problem is not for this algorithm.
    """

    schema: Schema
    suggest: Suggest
    check: Callable[[Problem, Settings], None] = _check_nothing


STARTUP_SHARE = 4
"""A short search draws at most one trial in this many at random, or it would end before it began to learn."""


def startup_trials(problem: Problem, usual: int) -> int:
    """Return how many trials to draw at random before a model is made of them."""
    share = usual if problem.max_trials is None else problem.max_trials // STARTUP_SHARE
    return max(min(usual, share), problem.parallel)


def seed_text(problem: Problem, settings: Settings, *place: object) -> str:
    """Return what to seed a generator with, different for each place in a search."""
    state = settings.get("random_state")
    return "/".join(map(str, (problem.seed if state is None else state, *place)))


def seed_number(problem: Problem, settings: Settings, *place: object) -> int:
    """Return `seed_text` as a number of 32 bits."""
    return zlib.crc32(seed_text(problem, settings, *place).encode())


def random_parameters(problem: Problem, settings: Settings, *place: object) -> dict[str, str]:
    """Return parameters drawn at random, the same for the same place in a search."""
    generator = random.Random(seed_text(problem, settings, *place))  # noqa: S311 - no secret
    return problem.parameters.draw(lambda _, parameter: parameter.text(parameter.at(generator.random())))
