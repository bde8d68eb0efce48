"""What a job looks like at one moment: frozen, ordered, and ready to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["Pending", "Running", "Restarting", "Suspended", "Succeeded", "Failed", "Deleted"]
"""`kubelab.training.view.Phase`, and what a watch sees when the job is deleted."""
WorkerState = Literal["Pending", "Starting", "Running", "Terminating", "Succeeded", "Failed", "Suspended"]

Point = tuple[float, float]
"""(step, value)."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One process of a job.

    Attributes
    ----------
    rank : int
        Its process id in JAX.
    pod : str
        Name of its pod; empty while there is none.
    why : str
        In words, why it is not running; empty when there is nothing to say.
    restarts : int
        How often its container or its pod was started again.
    """

    rank: int
    pod: str
    state: WorkerState
    why: str
    restarts: int
    node: str


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A Kubernetes event about a job, its pods or what lies between."""

    time: str
    type: str
    object: str
    reason: str
    message: str
    count: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, in plain words.

    Attributes
    ----------
    level : {"error", "info"}
        Whether the job ended by it, or may still go on.
    text : str
        A sentence or two.
    detail : str
        The lines that show it, such as the end of the failing rank's log; may be empty.
    """

    level: Literal["error", "info"]
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """A job with its workers and events.

    Attributes
    ----------
    step, total_steps : int or None
        The latest step reported, and how many there will be; None until a worker says so.
    ready : int
        Workers that are running.
    """

    name: str
    kind: str
    phase: Phase
    num_nodes: int
    ready: int
    step: int | None
    total_steps: int | None
    workers: tuple[Worker, ...]
    events: tuple[JobEvent, ...]
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class LogPart:
    """New lines of one rank's log; ``skipped`` lines before them came too fast to show."""

    rank: int
    lines: tuple[str, ...]
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class JobUpdate:
    """What changed since the last one: the whole snapshot, and only the new points and lines."""

    snapshot: JobSnapshot
    points: dict[tuple[str, int], tuple[Point, ...]]
    logs: tuple[LogPart, ...]
