"""From pods to workers: which state each is in, and in words why it is not running."""

from __future__ import annotations

from kubelab.client import Object
from kubelab.live.snapshot import Phase, Worker, WorkerState
from kubelab.training.explanation import why_waiting
from kubelab.training.view import JobView, attempt_of, restarts_of

_MOST_ROWS = 64
"""A view shows no more; the job's counts tell of all."""
_ABSENT: dict[Phase, tuple[WorkerState, str]] = {
    "Suspended": ("Suspended", "its pod is deleted until the job is resumed"),
    "Succeeded": ("Succeeded", "its pod is gone"),
    "Failed": ("Failed", "its pod is gone"),
}


def workers_of(view: JobView) -> tuple[Worker, ...]:
    """Return one worker for each of the first ranks, also for those that have no pod yet."""
    pods = view.workers
    ranks = sorted({*range(min(view.num_nodes, _MOST_ROWS)), *list(pods)[:_MOST_ROWS]})[:_MOST_ROWS]
    return tuple(
        _worker(rank, pods[rank], view) if rank in pods else _absent(rank, view.phase) for rank in ranks
    )


def is_stuck(pod: Object) -> bool:
    """Tell whether a pod waits for something that time alone may not bring: a node, an image, a command."""
    status = pod.get("status") or {}
    unscheduled = any(
        condition["type"] == "PodScheduled" and condition["status"] == "False"
        for condition in status.get("conditions") or ()
    )
    return status.get("phase") == "Pending" and (unscheduled or _refused(status))


def _refused(status: Object) -> bool:
    containers = (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or [])
    reasons = {((each.get("state") or {}).get("waiting") or {}).get("reason") for each in containers}
    return bool(reasons - {None, "ContainerCreating", "PodInitializing"})


def _absent(rank: int, phase: Phase) -> Worker:
    state, why = _ABSENT.get(phase, ("Pending", "no pod yet"))
    return Worker(rank, "", state, why, 0, "")


def _worker(rank: int, pod: Object, view: JobView) -> Worker:
    state, why = _state(pod)
    return Worker(
        rank=rank,
        pod=pod["metadata"]["name"],
        state=state,
        why=why,
        restarts=max(attempt_of(pod) + restarts_of(pod), view.logged_attempt),
        node=pod.get("spec", {}).get("nodeName") or "",
    )


def _state(pod: Object) -> tuple[WorkerState, str]:
    status = pod.get("status") or {}
    phase = status.get("phase", "Pending")
    if phase == "Succeeded":
        return "Succeeded", ""
    if phase == "Failed":
        return "Failed", _how_it_ended(status)
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating", "its pod is being deleted"
    why = why_waiting(pod)
    if phase == "Running" and not why:
        return "Running", ""
    return ("Starting" if pod.get("spec", {}).get("nodeName") else "Pending"), why


def _how_it_ended(status: Object) -> str:
    for container in status.get("containerStatuses") or ():
        ended = (container.get("state") or {}).get("terminated")
        if ended and ended.get("exitCode"):
            said = str(ended.get("message") or "").strip()
            words = f"exit code {ended['exitCode']} ({ended.get('reason') or 'Error'})"
            return f"{words}: {said}" if said else words
    return ": ".join(filter(None, (status.get("reason"), status.get("message"))))
