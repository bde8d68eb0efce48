"""Pods and autoscalers for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.rightsizing.application import Recommended

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def container(name: str = "main", **resources: Object) -> Object:
    return {"name": name, "image": "x", "resources": resources}


def pod(name: str = "web-1", *containers: Object, owner: str = "rs", phase: str = "Running") -> Object:
    return {
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": name,
            "ownerReferences": [{"kind": "ReplicaSet", "name": owner, "uid": owner, "controller": True}],
        },
        "spec": {"containers": list(containers) or [container(requests={"cpu": "1", "memory": "1000"})]},
        "status": {"phase": phase, "startTime": rfc3339(START)},
    }


def resizing(found: Object, kind: str, reason: str, since: datetime = START) -> Object:
    condition = {"type": kind, "status": "True", "reason": reason, "lastTransitionTime": rfc3339(since)}
    found["status"]["conditions"] = [condition]
    return found


def autoscaler(mode: str = "Recreate", *, policies: tuple[Object, ...] = (), **update: object) -> Object:
    return {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "updatePolicy": {"updateMode": mode, **update},
            "resourcePolicy": {"containerPolicies": list(policies)},
        },
    }


def cpu(target: int, lower: int, upper: int) -> dict[str, Recommended]:
    """Return a recommendation of millicores for the container ``main``."""
    return {"main": Recommended({"cpu": target}, {"cpu": lower}, {"cpu": upper})}
