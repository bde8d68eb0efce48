"""``random``: every trial is drawn by itself, each parameter by its own distribution."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.tuning.problem import Problem, TrialRecord
from kubelab.tuning.settings import RANDOM_STATE
from kubelab.tuning.suggestion.algorithm import (
    Algorithm,
    Assignment,
    Settings,
    Suggestions,
    random_parameters,
)


def suggest(problem: Problem, settings: Settings, trials: Sequence[TrialRecord], count: int) -> Suggestions:
    """Return as many as are wanted, drawn at random."""
    numbers = range(len(trials), len(trials) + count)
    return Suggestions(tuple(Assignment(random_parameters(problem, settings, number)) for number in numbers))


RANDOM = Algorithm(RANDOM_STATE, suggest)
