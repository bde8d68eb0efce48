"""How times grow with a number: by how much of a line, and by how much of a square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fit:
    """Seconds as ``constant + linear * n + quadratic * n**2``, no coefficient below zero.

    ``share`` is the part of the time at the largest n that the quadratic term explains, and ``exponent`` the
    slope between the two largest n on logarithmic axes: 1 where time is linear, 2 where it is quadratic.
    """

    constant: float
    linear: float
    quadratic: float
    share: float
    exponent: float

    def seconds(self, count: float) -> float:
        """Return what the fit says for a number of rules."""
        return self.constant + self.linear * count + self.quadratic * count**2


def fit(points: Sequence[tuple[int, float]]) -> Fit:
    """Return the least squares of the relative errors, by scipy's nnls.

    Parameters
    ----------
    points : sequence of (int, float)
        How many rules, and the seconds they took; two or more.
    """
    import numpy as np
    from scipy.optimize import nnls

    counts, seconds = (np.asarray(each, dtype=float) for each in zip(*sorted(points), strict=True))
    terms = np.stack([np.ones_like(counts), counts, counts**2], axis=1)
    found, _ = nnls(terms / seconds[:, None], np.ones_like(seconds))
    constant, linear, quadratic = map(float, found)
    last = float(terms[-1] @ found)
    exponent = float(np.log(seconds[-1] / seconds[-2]) / np.log(counts[-1] / counts[-2]))
    return Fit(constant, linear, quadratic, quadratic * float(counts[-1]) ** 2 / last, exponent)
