"""The brackets of Hyperband: how many trials start with how much, and how many go on with more.

Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization" (JMLR 18, 2018; arXiv
1603.06560), Algorithm 1. Nobody knows whether many short trials or few long ones are better, so it does both:
bracket ``s`` starts ``ceil((s_max + 1) * eta**s / (s + 1))`` trials with ``R * eta**-s`` each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bracket:
    """One bracket.

    Parameters
    ----------
    number : int
        The paper's ``s``: how many times its trials are thinned out.
    trials : int
        How many it starts.
    resource : float
        What each of them gets at first.
    """

    number: int
    trials: int
    resource: float


def brackets(largest: float, smallest: float, eta: int) -> list[Bracket]:
    """Return the brackets in their order, that with the most trials first.

    Parameters
    ----------
    largest, smallest : float
        The most that a trial may get, and the least that says something about it.
    eta : int
        One in so many trials goes on.
    """
    highest = _whole_logarithm(largest / smallest, eta)
    return [
        Bracket(
            number,
            trials=-(-(highest + 1) * eta**number // (number + 1)),
            resource=largest / eta**number,
        )
        for number in range(highest, -1, -1)
    ]


def bracket_of(position: int, of: list[Bracket]) -> Bracket:
    """Return the bracket of a trial, when the brackets are filled in their order, again and again."""
    position %= sum(bracket.trials for bracket in of)
    for bracket in of:
        if position < bracket.trials:
            return bracket
        position -= bracket.trials
    raise AssertionError


def _whole_logarithm(ratio: float, base: int) -> int:
    """Return the largest power of a base up to a ratio; a quotient of logarithms would miss 3**5."""
    power = 0
    while base ** (power + 1) <= ratio or math.isclose(base ** (power + 1), ratio):
        power += 1
    return power
