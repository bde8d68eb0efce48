"""`RunRecord`: everything that is kept of one run, in MLflow's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from kubelab.lineage.cost import Amount

Status = Literal["SCHEDULED", "RUNNING", "FINISHED", "FAILED", "KILLED"]
"""MLflow's ``RunStatus``."""
ENDED: tuple[Status, ...] = ("FINISHED", "FAILED", "KILLED")

UID = "kubelab.uid"
CLUSTER = "kubelab.cluster"
NAMESPACE = "kubelab.namespace"
KIND = "kubelab.kind"
FUNCTION = "kubelab.function"
SWEEP = "kubelab.sweep"
TRIAL = "kubelab.trial"
BEST = "kubelab.best_trial"
STATE = "kubelab.state"
WHY = "kubelab.why"
CODE = "kubelab.code"
VERSION = "kubelab.version"
NUM_NODES = "kubelab.num_nodes"
CHECKPOINTS = "kubelab.checkpoints"
DATASET = "kubelab.dataset"
PODS = "kubelab.pods"
"""What each pod has cost, as `kubelab.lineage.cost` writes it."""
PRICES_OF = "kubelab.prices_of"
"""When the prices held by which a run has a cost in dollars."""
GIT_COMMIT = "mlflow.source.git.commit"
SOURCE_NAME = "mlflow.source.name"
PARENT_RUN = "mlflow.parentRunId"
"""MLflow's own tags (mlflow v3.17, ``mlflow/utils/mlflow_tags.py``), which its pages show."""

CPU = "cpu_core_hours"
MEMORY = "memory_gib_hours"
COST = "cost_usd"


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One number of a run.

    Parameters
    ----------
    name : str
        What it is, such as ``loss``.
    step : int
        The step it belongs to; 0 where none was said.
    time_ms : int
        When, in milliseconds since 1970.
    value : float
        May be NaN or infinite.
    """

    name: str
    step: int
    time_ms: int
    value: float

    @property
    def place(self) -> tuple[str, int, int]:
        """What tells it from the run's other points."""
        return self.name, self.step, self.time_ms


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is known of a run at one moment.

    Parameters
    ----------
    uid : str
        The object's uid, by which its run is found again.
    name : str
        Its name.
    experiment : str
        The MLflow experiment that the run belongs to.
    status : Status
        Where it stands, in MLflow's words.
    seen_ms : int
        The moment of which all this is known, in milliseconds since 1970.
    started_ms, ended_ms : int
        When it began and ended.
    parameters : mapping of str to str
        The function's arguments.
    tags : mapping of str to str
        Facts that may still change.
    points : tuple of Point
        What it reported so far.
    datasets : mapping of str to str
        The digest of each dataset that it learns from, by its name.
    pods : mapping of str to Amount
        What each pod that is still there has cost so far, by its uid.
    parent : str
        The uid of the run that it is part of; empty where there is none.
    """

    uid: str
    name: str
    experiment: str
    status: Status
    seen_ms: int
    started_ms: int
    ended_ms: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    datasets: Mapping[str, str] = field(default_factory=dict)
    pods: Mapping[str, Amount] = field(default_factory=dict)
    parent: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether the run is over."""
        return self.status in ENDED


def milliseconds(moment: datetime) -> int:
    """Return a time in milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
