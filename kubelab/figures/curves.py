"""The numbers of a figure apart from its picture: lines over training steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of one rank in one attempt.

    Attributes
    ----------
    rank : int
        Whose it is.
    attempt : int
        How often the workers had been started before; each attempt is a line of its own, because a
        resumed run goes back to its checkpoint's step.
    steps, values : tuple
        As many of each, by step.
    """

    rank: int
    attempt: int
    steps: tuple[int, ...]
    values: tuple[float, ...]


def curves_of(metrics: pd.DataFrame, name: str) -> tuple[Curve, ...]:
    """Return a metric's curves, by rank and attempt.

    Parameters
    ----------
    metrics : DataFrame
        As `kubelab.training.TrainJob.metrics` returns it: step, rank, name, value, time, attempt.
    name : str
        Which metric.
    """
    chosen = metrics[(metrics["name"] == name) & metrics["step"].notna()]
    return tuple(
        Curve(
            rank=int(rank),
            attempt=int(attempt),
            steps=tuple(int(step) for step in part["step"]),
            values=tuple(float(value) for value in part["value"]),
        )
        for (rank, attempt), part in chosen.sort_values("step").groupby(["rank", "attempt"])
    )
