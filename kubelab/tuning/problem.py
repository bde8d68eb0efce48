"""What is searched for and what is known so far, as frozen inputs of every decision.

A `Problem` is what an Experiment says; a `TrialRecord` is one trial with what it has reported.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from kubelab.tuning.errors import ProblemError, UnknownNameError
from kubelab.tuning.space import CONDITIONS_ANNOTATION, Space

Direction = Literal["minimize", "maximize"]
Strategy = Literal["min", "max", "latest"]
State = Literal["Created", "Running", "Succeeded", "Failed", "Killed", "EarlyStopped", "MetricsUnavailable"]

DEFAULT_PARALLEL = 3
"""katib v0.19.0, ``experiment_defaults.go``."""
_ENDED = ("Killed", "Failed", "Succeeded", "EarlyStopped", "MetricsUnavailable")
"""The conditions that end a trial, in the order in which Katib counts them (``status_util.go``)."""


@dataclass(frozen=True, slots=True)
class Report:
    """One value of a metric that a trial reported.

    Parameters
    ----------
    step : int
        The step it belongs to; where the trial names none, how many values of the metric came before, plus 1.
    value : float
        May be NaN or infinite.
    time : float, optional
        When, in seconds since 1970 (UTC).
    text : str
        The value as it was written; empty for its shortest form.
    """

    step: int
    value: float
    time: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """What is left of a metric once its trial has ended, as Katib's ``status.observation.metrics`` has it.

    Parameters
    ----------
    name : str
        The metric.
    min, max, latest : str
        Values as they were reported, or ``unavailable``.
    """

    name: str
    min: str
    max: str
    latest: str


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """A bound on a metric that Katib gives a trial when it creates it (``spec.earlyStoppingRules``).

    Parameters
    ----------
    name : str
        The metric.
    value : float
        The bound.
    comparison : {"less", "greater"}
        On which side of it a trial is stopped.
    start_step : int
        With which report it is tested.
    trials : int, optional
        How many trials the bound is made from; Katib's own form does not hold it.
    """

    name: str
    value: float
    comparison: Literal["less", "greater"]
    start_step: int
    trials: int | None = None

    def to_katib(self) -> dict[str, Any]:
        """Return an entry of ``spec.earlyStoppingRules``."""
        return {
            "name": self.name,
            "value": repr(self.value),
            "comparison": self.comparison,
            "startStep": self.start_step,
        }


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial, from the moment it was suggested.

    Parameters
    ----------
    name : str
        Its name.
    number : int
        How many trials had been suggested before it.
    assignments : mapping of str to str
        Its parameters.
    state : State
        Katib's condition; ``Created`` also before its object exists.
    reports : mapping of str to tuple of Report
        What it reported of each metric, in order.
    observation : tuple of Observation
        What Katib keeps of it; where empty, it is made from the reports.
    labels : mapping of str to str
        Those that came with its suggestion.
    rules : tuple of StoppingRule, optional
        Those that it was created with; None where they were not fixed.
    """

    name: str
    number: int
    assignments: Mapping[str, str]
    state: State = "Created"
    reports: Mapping[str, tuple[Report, ...]] = field(default_factory=dict)
    observation: tuple[Observation, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[StoppingRule, ...] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it will report nothing more."""
        return self.state in _ENDED


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """The rule by which trials are stopped, with its settings.

    Parameters
    ----------
    algorithm : str
        Such as ``medianstop``.
    settings : mapping of str to str
        As Katib writes them.
    """

    algorithm: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """A search.

    Parameters
    ----------
    parameters : Space
        What is searched.
    objective : str
        The metric that is to be best.
    direction : {"minimize", "maximize"}
        What best means.
    goal : float, optional
        The value with which the search is over.
    algorithm : str
        Katib's name, or ``asha``.
    settings : mapping of str to str
        The algorithm's settings, as Katib writes them.
    max_trials : int, optional
        How many trials in all.
    parallel : int
        How many at a time.
    additional_metrics : tuple of str
        Metrics that are observed as well.
    strategies : mapping of str to {"min", "max", "latest"}
        Which of a metric's values counts; by default the objective's best.
    early_stopping : EarlyStopping, optional
        The rule that stops trials; the algorithms asha and hyperband (in steps) bring their own.
    seed : int
        Makes the search repeatable; the setting ``random_state`` goes before it.

    Raises
    ------
    ProblemError
        If the parts do not fit together.
    """

    parameters: Space
    objective: str
    direction: Direction = "minimize"
    goal: float | None = None
    algorithm: str = "random"
    settings: Mapping[str, str] = field(default_factory=dict)
    max_trials: int | None = None
    parallel: int = 1
    additional_metrics: tuple[str, ...] = ()
    strategies: Mapping[str, Strategy] = field(default_factory=dict)
    early_stopping: EarlyStopping | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self)

    @property
    def sign(self) -> int:
        """1 where less is better, -1 where more is: a value times it is to be small."""
        return 1 if self.direction == "minimize" else -1

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that is observed, the objective first."""
        return (self.objective, *self.additional_metrics)

    def strategy(self, metric: str) -> Strategy:
        """Return which of a metric's values counts."""
        return self.strategies.get(metric, "min" if self.direction == "minimize" else "max")

    @staticmethod
    def from_experiment(experiment: Mapping[str, Any]) -> Problem:
        """Return what an Experiment asks for, whether its defaults are filled in or not.

        Raises
        ------
        TuningError
            If it is no search that can be made.
        """
        spec = experiment.get("spec") or {}
        metadata = experiment.get("metadata") or {}
        if spec.get("nasConfig"):
            raise ProblemError("spec.nasConfig asks for an architecture search", "Write spec.parameters.")
        objective = spec.get("objective") or {}
        algorithm = spec.get("algorithm") or {}
        stopping = spec.get("earlyStopping")
        conditions = (metadata.get("annotations") or {}).get(CONDITIONS_ANNOTATION)
        return Problem(
            parameters=Space.from_katib(spec.get("parameters") or [], conditions),
            objective=objective.get("objectiveMetricName") or "",
            direction=cast("Direction", objective.get("type") or ""),
            goal=objective.get("goal"),
            algorithm=algorithm.get("algorithmName") or "",
            settings=_settings(algorithm),
            max_trials=spec.get("maxTrialCount"),
            parallel=spec.get("parallelTrialCount", DEFAULT_PARALLEL),
            additional_metrics=tuple(objective.get("additionalMetricNames") or ()),
            strategies={each["name"]: each["value"] for each in objective.get("metricStrategies") or ()},
            early_stopping=EarlyStopping(stopping.get("algorithmName") or "", _settings(stopping))
            if stopping
            else None,
            seed=_seed(metadata),
        )


def _check(problem: Problem) -> None:
    if problem.direction not in ("minimize", "maximize"):
        raise UnknownNameError("direction", problem.direction, ("minimize", "maximize"))
    if not isinstance(problem.objective, str) or not problem.objective:
        raise ProblemError("the search has no objective", "Name the metric: objective='loss'.")
    if problem.objective in problem.additional_metrics:
        raise ProblemError(
            f"{problem.objective!r} is the objective and an additional metric",
            "Name it once, as the objective.",
        )
    for metric, strategy in problem.strategies.items():
        if strategy not in ("min", "max", "latest"):
            raise UnknownNameError(f"strategy of {metric}", strategy, ("min", "max", "latest"))
    _check_count("parallel", problem.parallel)
    if problem.max_trials is None:
        return
    _check_count("max_trials", problem.max_trials)
    if problem.parallel > problem.max_trials:
        raise ProblemError(
            f"parallel={problem.parallel} is more than max_trials={problem.max_trials}",
            f"Use parallel={problem.max_trials} or fewer, or more trials.",
        )


def _check_count(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ProblemError(f"{name}={value!r} is no number of trials", "Use a whole number of at least 1.")


def _settings(algorithm: Mapping[str, Any]) -> dict[str, str]:
    entries: Sequence[Mapping[str, Any]] = algorithm.get("algorithmSettings") or ()
    return {str(entry.get("name")): str(entry.get("value")) for entry in entries}


def _seed(metadata: Mapping[str, Any]) -> int:
    """Return a seed that differs between Experiments, and is the same each time for one of them."""
    name = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}/{metadata.get('uid', '')}"
    return zlib.crc32(name.encode())
