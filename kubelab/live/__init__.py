"""Live state for views: objects are watched, and frozen snapshots come out at most ten times a second."""

from kubelab.live.cost_history import CostCurves
from kubelab.live.cost_snapshot import CostRow, CostSnapshot
from kubelab.live.cost_watch import CostWatch
from kubelab.live.decision_snapshot import AutoscalerSnapshot, DecisionRow, DecisionUpdate
from kubelab.live.decision_watch import DecisionWatch
from kubelab.live.experiment_watch import ExperimentRow, ExperimentWatch
from kubelab.live.fleet_snapshot import Fleet, FleetSnapshot, FleetUpdate, GroupRow, NodeRow, PodRow, share
from kubelab.live.fleet_watch import FleetWatch
from kubelab.live.job_watch import JobWatch
from kubelab.live.rightsizing_snapshot import (
    AppliedRow,
    ChangeRow,
    HeatMap,
    NodeCell,
    RightsizingSnapshot,
    SizedRow,
)
from kubelab.live.rightsizing_watch import Answer, Question, RightsizingWatch, ask
from kubelab.live.snapshot import JobEvent, JobSnapshot, JobUpdate, LogPart, Point, Problem, Worker
from kubelab.live.sweep_snapshot import Axis, SweepSnapshot, SweepUpdate, TrialRow
from kubelab.live.sweep_watch import SweepWatch
from kubelab.live.throttle import Throttle

__all__ = [
    "Answer",
    "AppliedRow",
    "AutoscalerSnapshot",
    "Axis",
    "ChangeRow",
    "CostCurves",
    "CostRow",
    "CostSnapshot",
    "CostWatch",
    "DecisionRow",
    "DecisionUpdate",
    "DecisionWatch",
    "ExperimentRow",
    "ExperimentWatch",
    "Fleet",
    "FleetSnapshot",
    "FleetUpdate",
    "FleetWatch",
    "GroupRow",
    "HeatMap",
    "JobEvent",
    "JobSnapshot",
    "JobUpdate",
    "JobWatch",
    "LogPart",
    "NodeCell",
    "NodeRow",
    "PodRow",
    "Point",
    "Problem",
    "Question",
    "RightsizingSnapshot",
    "RightsizingWatch",
    "SizedRow",
    "SweepSnapshot",
    "SweepUpdate",
    "SweepWatch",
    "Throttle",
    "TrialRow",
    "Worker",
    "ask",
    "share",
]
