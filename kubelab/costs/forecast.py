"""What is to be paid in steps to come, with an interval.

Simple exponential smoothing with additive errors, ETS(A,N,N) of Hyndman et al., *Forecasting with Exponential
Smoothing* (2008): the sum of h steps to come has the variance ``s2 * sum((1 + j*alpha)**2 for j < h)``. What
returns each day or week is taken off before and put on again, once two whole rounds are known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean

from kubelab.errors import KubelabError

LEAST = 4
"""So many steps must be known."""

_ALPHAS = tuple(number / 20 for number in range(21))


class TooLittleKnownError(KubelabError, ValueError):
    """A forecast was asked for after too few steps.

    Attributes
    ----------
    steps : int
        How many are known.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        super().__init__(
            f"{steps} steps are too few for a forecast; it takes {LEAST}. Take shorter steps, or wait."
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """A sum to come, in USD.

    Attributes
    ----------
    usd, low_usd, high_usd : float
        What is expected, and within what bounds it will be with the ``confidence``; low is never below zero.
    confidence : float
        From 0 to 1.
    alpha : float
        How much the latest step counts: 0 if all count alike.
    season : int
        After how many steps it repeats; 0 if it does not.
    """

    usd: float
    low_usd: float
    high_usd: float
    confidence: float
    alpha: float
    season: int = 0


def forecast(costs: Sequence[float], ahead: float, *, season: int = 0, confidence: float = 0.8) -> Forecast:
    """Return what the steps to come will cost.

    Parameters
    ----------
    costs : sequence of float
        USD of whole steps of the same length, in order.
    ahead : float
        How many steps to come; the last may be part of one.
    season : int
        After how many steps costs repeat, such as 7 for days; heeded once two rounds are known.
    confidence : float
        How likely the sum is to be within the bounds.

    Raises
    ------
    TooLittleKnownError
        If fewer than four steps are known.
    """
    if len(costs) < LEAST:
        raise TooLittleKnownError(len(costs))
    season = season if season and len(costs) >= 2 * season else 0
    pattern = _pattern(costs, season)
    plain = [cost - pattern[place % len(pattern)] for place, cost in enumerate(costs)]
    alpha = min(_ALPHAS, key=lambda each: sum(error * error for error in _smooth(plain, each)[1]))
    level, errors = _smooth(plain, alpha)
    free = max(1, len(errors) - 1 - (season - 1 if season else 0))
    variance = sum(error * error for error in errors) / free
    whole = math.floor(ahead)
    weights = [1.0] * whole + ([ahead - whole] if ahead > whole else [])
    expected = sum(
        weight * (level + pattern[(len(costs) + place) % len(pattern)])
        for place, weight in enumerate(weights)
    )
    # what a step errs by stays, by alpha, in the level of all after it; the level is uncertain too
    spread = sum((weight + alpha * sum(weights[place + 1 :])) ** 2 for place, weight in enumerate(weights))
    spread += (1 - alpha) * sum(weights) ** 2 / len(costs)
    half = quantile_of_t(0.5 + confidence / 2, free) * math.sqrt(variance * spread)
    return Forecast(
        max(0.0, expected), max(0.0, expected - half), max(0.0, expected) + half, confidence, alpha, season
    )


def quantile_of_t(probability: float, freedom: int) -> float:
    """Return a quantile of Student's t (Abramowitz and Stegun 26.7.5), exact to 1 % from 4 degrees on."""
    z = NormalDist().inv_cdf(probability)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def _pattern(costs: Sequence[float], season: int) -> list[float]:
    """Return by how much each step of a round is off the mean of whole rounds."""
    if not season:
        return [0.0]
    known = costs[: len(costs) // season * season]
    mean = fmean(known)
    return [fmean(known[place::season]) - mean for place in range(season)]


def _smooth(costs: Sequence[float], alpha: float) -> tuple[float, list[float]]:
    """Return the level at the end, and by how much each step was off the one before it."""
    level = costs[0] if alpha else fmean(costs)
    errors = []
    for cost in costs[1:] if alpha else costs:
        errors.append(cost - level)
        level += alpha * errors[-1]
    return level, errors
