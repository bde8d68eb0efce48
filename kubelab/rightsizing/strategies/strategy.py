"""`Strategy`: one rule from what a container used to what it should ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kubelab.rightsizing.history import History
from kubelab.rightsizing.recommendation import Evidence, Recommendation, unit_of

MIB = float(2**20)
DAY_S = 86_400.0


class Strategy(Protocol):
    """A rule that sizes containers.

    Attributes
    ----------
    name : str
        How a cell asks for it.
    lookback_s : float
        How much history it looks at, in seconds.
    needed : int
        How many samples it asks for at least.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def lookback_s(self) -> float: ...  # noqa: D102

    @property
    def needed(self) -> int: ...  # noqa: D102

    def size(self, history: History) -> Recommendation:
        """Return what the container should ask for.

        Raises
        ------
        NotEnoughHistoryError
            If there are fewer samples than it needs.
        """
        ...


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure and the words for it.

    Attributes
    ----------
    said : str
        How it came about, such as ``P95 of use``.
    """

    value: float
    said: str

    def times(self, factor: float) -> Amount:
        """Return it with a margin."""
        return self if factor == 1 else Amount(self.value * factor, f"{self.said} x {factor:.4g}")

    def at_least(self, floor: float) -> Amount:
        """Return it, or a floor if that is more."""
        return self if self.value >= floor else Amount(floor, f"the floor, as {self.said} is less")


def recommend(
    history: History,
    request: Amount,
    *,
    limit: float | None,
    evidence: Iterable[Evidence] = (),
) -> Recommendation:
    """Return a rule's figure as a recommendation; its interval is what the samples themselves support.

    The interval of a rule that states none is that of its quantile in the history: from the median of what
    was used to the highest use, and always around the request.
    """
    unit = unit_of(history.resource)
    median, peak = float(np.median(history.values)), history.peak()
    return Recommendation(
        history.container,
        history.resource,
        request.value,
        limit,
        min(median, request.value),
        max(peak, request.value),
        f"{request.said}, of {history.points} samples",
        (
            Evidence("median of use", median, unit),
            Evidence("highest use", peak, unit),
            *evidence,
            Evidence("samples", float(history.points)),
        ),
    )
