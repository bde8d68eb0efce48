"""A JAXJob's pods, as far as its decisions look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.engine.controllers.jaxjob.objects import CONTAINER, REPLICA_INDEX

# trainutil.IsRetryableExitCode: 1 to 127 is the program's own fault, above it is a signal or the node's.
_FIRST_RETRYABLE = 128


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker's pod; ``exit_code`` is None until its container jax has ended."""

    name: str
    index: int
    phase: str
    deleting: bool
    restarts: int
    exit_code: int | None
    pod: Object

    @property
    def retryable(self) -> bool:
        """Say whether restart policy ExitCode tries again."""
        return self.exit_code is None or self.exit_code >= _FIRST_RETRYABLE


def read_workers(pods: Sequence[Object]) -> list[Worker]:
    """Return the workers in the order of their index."""
    return sorted((_read(pod) for pod in pods), key=lambda worker: worker.index)


def _read(pod: Object) -> Worker:
    meta, status = pod["metadata"], pod.get("status") or {}
    containers = status.get("containerStatuses") or ()
    ended = [
        container["state"]["terminated"]
        for container in containers
        if container["name"] == CONTAINER and (container.get("state") or {}).get("terminated")
    ]
    return Worker(
        name=meta["name"],
        index=int((meta.get("labels") or {}).get(REPLICA_INDEX) or 0),
        phase=status.get("phase", "Pending"),
        deleting=bool(meta.get("deletionTimestamp")),
        restarts=sum(int(container.get("restartCount") or 0) for container in containers),
        exit_code=int(ended[0]["exitCode"]) if ended else None,
        pod=pod,
    )
