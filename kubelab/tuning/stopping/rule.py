"""What every stopping rule is: its settings, and the verdict that it gives on a trial that runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubelab.tuning.problem import Problem, Report, TrialRecord
from kubelab.tuning.settings import Schema

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stop:
    """The verdict that a trial should be stopped.

    Parameters
    ----------
    step : int
        The step whose report decided it.
    rule : str
        The rule's name, such as ``medianstop``.
    reason : str
        One sentence with the figures: ``step 200: loss 2.31 is worse than the median 2.08 of 5 trials``.
    """

    step: int
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to tell which trials are not worth their time.

    Parameters
    ----------
    schema : mapping of str to Setting
        The settings that it has.
    verdict : callable
        Goes from the problem, the settings, a trial that runs and the others to `Stop` or None.
    reads : callable
        Goes from the settings and a trial's reports to those that a verdict, on it or on others, depends on.
    """

    schema: Schema
    verdict: Callable[[Problem, Settings, TrialRecord, Sequence[TrialRecord]], Stop | None]
    reads: Callable[[Settings, Sequence[Report]], Sequence[Report]]


def figure(value: float) -> str:
    """Return a number as a sentence has it, with at most four digits that count."""
    return f"{value:.4g}".replace("nan", "NaN")
