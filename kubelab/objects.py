"""What many parts read off objects of Kubernetes: whether one is ready, and what a Service selects."""

from __future__ import annotations

from kubelab.client import Object


def is_ready(obj: Object) -> bool:
    """Say whether the condition ``Ready`` of a pod or a node is true."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def selects(service: Object, pod: Object) -> bool:
    """Say whether a Service's selector matches a pod's labels; an empty one selects nothing."""
    selector = service["spec"].get("selector") or {}
    labels = pod["metadata"].get("labels") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())
