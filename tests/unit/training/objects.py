"""Jobs and pods as an API server returns them."""

from __future__ import annotations

from typing import Any

from kubelab.client import Object
from kubelab.training.builders import build
from kubelab.training.request import JobRequest
from kubelab.training.view import JobView


def job(kind: str = "TrainJob", status: Object | None = None, **options: Any) -> Object:
    request = JobRequest(
        **{"name": "digits", "namespace": "lab", "function": "train", "kind": kind, "steps": 300, **options}
    )
    body = build(request)
    body["metadata"]["uid"] = "u-1"
    return {**body, "status": status or {}}


def pod(rank: int, phase: str = "Running", *, attempt: int = 0, created: int = 0, **status: Any) -> Object:
    return {
        "metadata": {
            "name": f"digits-node-0-{rank}-{attempt}{created}",
            "uid": f"p-{rank}-{attempt}-{created}",
            "creationTimestamp": f"2026-08-01T10:00:{10 * attempt + created:02}Z",
            "labels": {
                "batch.kubernetes.io/job-completion-index": str(rank),
                "jobset.sigs.k8s.io/restart-attempt": str(attempt),
            },
        },
        "status": {"phase": phase, **status},
    }


def ended(code: int, *, second: int = 30, reason: str = "Error", message: str = "") -> Object:
    return {
        "exitCode": code,
        "reason": reason,
        "message": message,
        "finishedAt": f"2026-08-01T10:00:{second:02}Z",
    }


def failed_pod(rank: int, code: int, *, attempt: int = 0, **how: Any) -> Object:
    status = {"name": "node", "restartCount": 0, "state": {"terminated": ended(code, **how)}}
    return pod(rank, "Failed", attempt=attempt, containerStatuses=[status])


def condition(type_: str, reason: str = "", message: str = "") -> Object:
    return {"conditions": [{"type": type_, "status": "True", "reason": reason, "message": message}]}


def view(*pods: Object, status: Object | None = None, **options: Any) -> JobView:
    return JobView(job(status=status, **options), pods)
