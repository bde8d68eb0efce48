"""Which run of a container a log request means, and when a follower of it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from kubelab.client import Object
from kubelab.clock import Clock
from kubelab.engine.apiserver.pod_logs import LogOptions
from kubelab.engine.nodes.logs import LogReader
from kubelab.engine.nodes.pod_worker import PodWorker
from kubelab.errors import ApiError


async def read_log(
    pod: Object, worker: PodWorker | None, container: str, options: LogOptions, clock: Clock
) -> AsyncIterator[bytes]:
    """Yield a container's log.

    Raises
    ------
    ApiError
        400 while the container waits to start, or has no previous run.
    """
    name = pod["metadata"]["name"]
    status = worker.container(container) if worker else None
    if worker is None or status is None or not _has_run(worker, status, container):
        reason = _waiting_reason(status)
        raise _bad_request(f'container "{container}" in pod "{name}" is waiting to start: {reason}')
    restart = int(status["restartCount"]) - (1 if options.previous else 0)
    if restart < 0:
        raise _bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
    reader = LogReader(
        worker.directory / "logs" / container, restart, lambda: _is_over(worker, container, restart), clock
    )
    async for chunk in reader.read(options):
        yield chunk


def _has_run(worker: PodWorker, status: dict[str, Any], container: str) -> bool:
    return bool(status["restartCount"]) or (worker.directory / "logs" / container).exists()


def _is_over(worker: PodWorker, container: str, restart: int) -> bool:
    status = worker.container(container)
    if status is None or status["restartCount"] > restart:
        return True
    if status["restartCount"] == restart and "terminated" in status["state"]:
        return True
    waiting = status["state"].get("waiting", {}).get("reason")
    return waiting == "CrashLoopBackOff" or bool(worker.report and worker.report["ended"])


def _waiting_reason(status: dict[str, Any] | None) -> str:
    waiting = ((status or {}).get("state") or {}).get("waiting") or {}
    return str(waiting.get("reason") or "ContainerCreating")


def _bad_request(message: str) -> ApiError:
    return ApiError(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": 400,
            "reason": "BadRequest",
            "message": message,
        }
    )
