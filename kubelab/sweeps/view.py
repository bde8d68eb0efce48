"""`SweepView`: a sweep and its trials at one moment, and what can be read off them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from kubelab.client import Object
from kubelab.sweeps.names import PAUSED_ANNOTATION, is_annotated
from kubelab.sweeps.observations import load
from kubelab.sweeps.trials import Reports, records_of
from kubelab.tuning import Problem, Report, TrialRecord, best_trial, objective_value
from kubelab.tuning.problem import State
from kubelab.values import Value

Phase = Literal["Pending", "Running", "Paused", "Succeeded", "Failed"]

_ENDED: tuple[Phase, ...] = ("Failed", "Succeeded")
_UNFINISHED = ("Created", "Running")
_ENOUGH = "ExperimentMaxTrialsReached"


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial of a sweep.

    Parameters
    ----------
    number : int
        How many were suggested before it.
    name : str
        Its name, and its job's.
    state : str
        Created, Running, Succeeded, Failed, Killed, EarlyStopped or MetricsUnavailable.
    parameters : mapping
        The arguments that were chosen for it.
    metric : str
        The objective's name.
    objective : float, optional
        The objective's value by which it is judged.
    reports : mapping of str to tuple of Report
        What it reported of each metric, in order.
    why : str
        Why it ended as it did, where it did not simply succeed.
    started, ended : str
        When, as RFC 3339; empty where it has not.
    """

    number: int
    name: str
    state: State
    parameters: Mapping[str, Value]
    metric: str
    objective: float | None = None
    reports: Mapping[str, tuple[Report, ...]] = field(default_factory=dict)
    why: str = ""
    started: str = ""
    ended: str = ""

    @property
    def step(self) -> int | None:
        """The last step that it reported."""
        return max((reports[-1].step for reports in self.reports.values() if reports), default=None)

    def __repr__(self) -> str:
        found = "no value yet" if self.objective is None else f"{_short(self.objective)}"
        values = "".join(f", {name} {_short(value)}" for name, value in self.parameters.items())
        state = "" if self.state == "Succeeded" else f", {self.state}"
        return f"<Trial {self.number}: {self.metric} {found}{values}{state}>"


@dataclass(frozen=True)
class SweepView:
    """A sweep as its objects say it.

    Parameters
    ----------
    experiment : dict
        The Experiment.
    problem : Problem
        What it searches for.
    records : tuple of TrialRecord
        Its trials, by number.
    objects : mapping of str to dict
        The Trials that there are, by name.
    """

    experiment: Object
    problem: Problem
    records: tuple[TrialRecord, ...]
    objects: Mapping[str, Object]

    @staticmethod
    def of(
        experiment: Object,
        suggestion: Object | None,
        trials: Iterable[Object],
        histories: Iterable[Object],
        read: Callable[[Object], Reports] = load,
    ) -> SweepView:
        """Return the view of an Experiment, its Suggestion, Trials and histories, which ``read`` reads."""
        objects = {trial["metadata"]["name"]: trial for trial in trials}
        reports = {each["metadata"]["name"].removesuffix("-observations"): read(each) for each in histories}
        problem = Problem.from_experiment(experiment)
        return SweepView(experiment, problem, tuple(records_of(suggestion, objects, reports)), objects)

    @property
    def name(self) -> str:
        """The sweep's name."""
        return str(self.experiment["metadata"]["name"])

    @property
    def phase(self) -> Phase:
        """Where it stands."""
        conditions = (self.experiment.get("status") or {}).get("conditions") or ()
        true = {each["type"]: each.get("reason") for each in conditions if each["status"] == "True"}
        for phase in _ENDED:
            if phase in true and not (true[phase] == _ENOUGH and self._is_short):
                return phase
        if is_annotated(self.experiment, PAUSED_ANNOTATION):
            return "Paused"
        return "Running" if {"Running", "Restarting"} & true.keys() else "Pending"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen unless trials are added."""
        return self.phase in _ENDED

    @property
    def reason(self) -> str:
        """The message of the condition that says where it stands."""
        conditions = (self.experiment.get("status") or {}).get("conditions") or ()
        found = [each for each in conditions if each["type"] == self.phase and each["status"] == "True"]
        return str(found[-1].get("message", "")) if found else ""

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """The trials, by number."""
        return tuple(self._trial(record) for record in self.records)

    @property
    def best(self) -> Trial | None:
        """The trial with the best objective of those that have ended; None where none has one."""
        found = best_trial(self.problem, self.records)
        return None if found is None else self.trials[found.number]

    @property
    def done(self) -> float | None:
        """Which share of the trials has ended, from 0 to 1; None where there is no end."""
        most = self.problem.max_trials
        return None if most is None else min(self._ended / most, 1.0)

    def summary(self) -> str:
        """Return in a few words where it stands: ``Running, 7/20 trials, 2 running, best loss 0.081``."""
        most = "" if self.problem.max_trials is None else f"/{self.problem.max_trials}"
        said = [self.phase, f"{self._ended}{most} trials"]
        counts = Counter(record.state for record in self.records)
        names: dict[State, str] = {
            "Running": "running",
            "EarlyStopped": "stopped early",
            "Failed": "failed",
            "MetricsUnavailable": "without metrics",
            "Killed": "killed",
        }
        said += [f"{counts[state]} {name}" for state, name in names.items() if counts[state]]
        if (best := self.best) is not None and best.objective is not None:
            said.append(f"best {best.metric} {_short(best.objective)}")
        return ", ".join(said)

    @property
    def _ended(self) -> int:
        return sum(record.has_ended for record in self.records)

    @property
    def _is_short(self) -> bool:
        """Whether trials were added since it ended, which its controller has yet to see."""
        most = self.problem.max_trials
        return most is not None and self._ended < most

    def _trial(self, record: TrialRecord) -> Trial:
        trial = self.objects.get(record.name)
        status = (trial.get("status") or {}) if trial else {}
        return Trial(
            number=record.number,
            name=record.name,
            state=record.state,
            parameters=self.problem.parameters.values_of(record.assignments),
            metric=self.problem.objective,
            objective=objective_value(self.problem, record),
            reports=record.reports,
            why=_why(self.problem, record, status),
            started=status.get("startTime") or "",
            ended=status.get("completionTime") or "",
        )


def _why(problem: Problem, record: TrialRecord, status: Object) -> str:
    state = record.state
    is_fine = state == "Succeeded" and objective_value(problem, record) is not None
    if state in _UNFINISHED or is_fine:
        return ""
    conditions = status.get("conditions") or ()
    return next((str(each.get("message", "")) for each in conditions if each["type"] == state), "")


def _short(value: object) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.4g}"
    return str(value)
