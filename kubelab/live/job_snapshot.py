"""From a job's objects to one frozen snapshot of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kubelab.client import Object
from kubelab.live.job_log import JobLog
from kubelab.live.snapshot import JobEvent, JobSnapshot, Problem
from kubelab.live.workers import is_stuck, workers_of
from kubelab.training.events import event_rows, events_of
from kubelab.training.explanation import explain
from kubelab.training.view import JobView

_EVENTS = 50
_LAST_LINES = 12
_REPORT = re.compile(r"\d\d:\d\d:\d\d [\w|-]+=")
"""How a line of `kubelab.training.report` begins in a `JobLog`."""


def job_snapshot(view: JobView, events: Iterable[Object], log: JobLog) -> JobSnapshot:
    """Return what a job looks like.

    Parameters
    ----------
    view : JobView
        The job and its pods.
    events : iterable of dict
        Events of its namespace; those about other objects are left out.
    log : JobLog
        What its workers wrote.
    """
    own = events_of(view.name, events)
    return JobSnapshot(
        name=view.name,
        kind=view.kind,
        phase=view.phase,
        num_nodes=view.num_nodes,
        ready=view.running,
        step=log.step if log.step is not None else view.step,
        total_steps=view.steps,
        workers=workers_of(view),
        events=tuple(JobEvent(**row) for row in event_rows(own)[-_EVENTS:]),
        problem=problem_of(view, own, log),
    )


def problem_of(view: JobView, events: list[Object], log: JobLog) -> Problem | None:
    """Return what keeps a job from running, or ended it; None where nothing does."""
    if view.phase == "Failed":
        first = view.first_failure()
        lines = words_of(log, first.rank) if first is not None else ()
        return Problem("error", explain(view, events), "\n".join(lines))
    refused = not view.pods and any(event.get("type") == "Warning" for event in events)
    stuck = refused or any(is_stuck(pod) for pod in view.workers.values())
    if view.phase == "Restarting" or (view.phase == "Pending" and stuck):
        return Problem("info", explain(view, events))
    return None


def words_of(log: JobLog, rank: int) -> tuple[str, ...]:
    """Return the last lines of a rank's log that are not metrics: most likely a traceback."""
    return tuple(line for line in log.lines(rank) if not _REPORT.match(line))[-_LAST_LINES:]
