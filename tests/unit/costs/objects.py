"""Nodes and pods as the API has them, for tests of costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kubelab.client import Object
from kubelab.clock import rfc3339

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def node(
    name: str = "n1",
    *,
    cpu: int = 10,
    memory: str = "10Gi",
    usd: str | None = "1.0",
    since: float = 0.0,
    gpus: int = 0,
) -> Object:
    priced = {
        "autoscaling.kubelab.dev/price-usd-per-hour": usd,
        "autoscaling.kubelab.dev/price-date": "2026-07-20",
    }
    devices = {"nvidia.com/gpu": str(gpus)} if gpus else {}
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "creationTimestamp": rfc3339(at(since)),
            "labels": {"node.kubernetes.io/instance-type": "test.large"},
            "annotations": priced if usd is not None else {},
        },
        "status": {"capacity": {"cpu": str(cpu), "memory": memory, "pods": "110", **devices}},
    }


def pod(
    name: str,
    *,
    on: str = "n1",
    namespace: str = "default",
    cpu: str = "1",
    memory: str = "1Gi",
    since: float = 0.0,
    ended: float | None = None,
    labels: dict[str, str] | None = None,
    owner: tuple[str, str] | None = None,
    gpus: int = 0,
    started: bool = True,
) -> Object:
    devices: dict[str, Any] = {"nvidia.com/gpu": gpus} if gpus else {}
    requests = {"cpu": cpu, "memory": memory, **devices}
    state: Object = (
        {"running": {"startedAt": rfc3339(at(since))}}
        if started
        else {"waiting": {"reason": "ImagePullBackOff"}}
    )
    if ended is not None:
        state = {"terminated": {"finishedAt": rfc3339(at(ended)), "exitCode": 0}}
    owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "labels": labels or {},
            "ownerReferences": owners,
        },
        "spec": {"nodeName": on, "containers": [{"name": "main", "resources": {"requests": requests}}]},
        "status": {
            "phase": "Running" if ended is None else "Succeeded",
            "startTime": rfc3339(at(since)),
            "containerStatuses": [{"name": "main", "state": state}],
        },
    }
