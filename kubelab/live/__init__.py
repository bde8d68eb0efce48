"""Live state for views: objects are watched, and frozen snapshots come out at most ten times a second."""

from kubelab.live.job_watch import JobWatch
from kubelab.live.snapshot import JobEvent, JobSnapshot, JobUpdate, LogPart, Point, Problem, Worker
from kubelab.live.throttle import Throttle

__all__ = [
    "JobEvent",
    "JobSnapshot",
    "JobUpdate",
    "JobWatch",
    "LogPart",
    "Point",
    "Problem",
    "Throttle",
    "Worker",
]
