"""What a sweep looks like at one moment: frozen, ordered, and ready to be shown."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kubelab.live.snapshot import Point
from kubelab.sweeps.view import SweepView, Trial
from kubelab.tuning import Space
from kubelab.tuning.parameters import Choice, Number
from kubelab.tuning.problem import Direction, State

SweepPhase = Literal["Pending", "Running", "Paused", "Succeeded", "Failed", "Deleted"]
"""`kubelab.sweeps.view.Phase`, and what a watch sees when the sweep is deleted."""

TrialSeries = tuple[str, int]
"""(metric, trial number)."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter of the space.

    Attributes
    ----------
    scale : {"linear", "log", "choice"}
        How its values lie.
    low, high : float
        Its bounds; 0 and 1 for a choice.
    texts : tuple of str
        What a choice may be.
    """

    name: str
    scale: Literal["linear", "log", "choice"]
    low: float = 0.0
    high: float = 1.0
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial.

    Attributes
    ----------
    objective : float or None
        The value by which it is judged, so far.
    values : tuple
        Of the axes, in their order: a number, a choice's text, or None where the trial has no such parameter.
    step : int or None
        The last that it reported.
    why : str
        Why it was stopped or failed.
    """

    number: int
    state: State
    objective: float | None
    values: tuple[float | str | None, ...]
    step: int | None
    why: str


@dataclass(frozen=True, slots=True)
class SweepSnapshot:
    """A sweep without its trials.

    Attributes
    ----------
    counts : mapping of str to int
        How many trials are in each state.
    best : int or None
        The number of the best trial that has ended.
    reason : str
        Why it ended as it did.
    importances : mapping of str to float
        Each parameter's share; see `kubelab.tuning.importances`.
    """

    name: str
    phase: SweepPhase
    reason: str
    objective: str
    direction: Direction
    max_trials: int | None
    counts: Mapping[State, int]
    best: int | None
    axes: tuple[Axis, ...]
    importances: Mapping[str, float] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        """How many trials will report nothing more."""
        return sum(count for state, count in self.counts.items() if state not in {"Created", "Running"})


@dataclass(frozen=True, slots=True)
class SweepUpdate:
    """What changed since the last one: the snapshot, and only the rows and points that are new.

    Attributes
    ----------
    restarted : frozenset
        Series whose points replace those that came before.
    """

    snapshot: SweepSnapshot
    trials: tuple[TrialRow, ...]
    points: dict[TrialSeries, tuple[Point, ...]]
    restarted: frozenset[TrialSeries] = frozenset()


def sweep_snapshot(view: SweepView, importances: Mapping[str, float]) -> SweepSnapshot:
    """Return what a sweep looks like."""
    return SweepSnapshot(
        name=view.name,
        phase=view.phase,
        reason=view.reason,
        objective=view.problem.objective,
        direction=view.problem.direction,
        max_trials=view.problem.max_trials,
        counts=dict(Counter(record.state for record in view.records)),
        best=None if view.best is None else view.best.number,
        axes=axes_of(view.problem.parameters),
        importances=importances,
    )


def axes_of(space: Space) -> tuple[Axis, ...]:
    """Return how each parameter's values lie."""
    return tuple(_axis(name, space.parameter(name)) for name in space)


def trial_row(trial: Trial, space: Space) -> TrialRow:
    """Return a trial as a row."""
    return TrialRow(
        number=trial.number,
        state=trial.state,
        objective=trial.objective,
        values=tuple(_value(trial, name, space.parameter(name)) for name in space),
        step=trial.step,
        why=trial.why,
    )


def _axis(name: str, parameter: Number | Choice) -> Axis:
    if isinstance(parameter, Choice):
        return Axis(name, "choice", texts=parameter.texts)
    scale: Literal["linear", "log"] = "log" if parameter.distribution.startswith("log") else "linear"
    return Axis(name, scale, parameter.low, parameter.high)


def _value(trial: Trial, name: str, parameter: Number | Choice) -> float | str | None:
    if name not in trial.parameters:
        return None
    value = trial.parameters[name]
    if isinstance(parameter, Number) and isinstance(value, int | float) and math.isfinite(value):
        return value
    return parameter.text(value) if isinstance(parameter, Choice) else str(value)
