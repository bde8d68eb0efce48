"""Conversion between the versions of a kind that share one storage: as served, and as stored.

Custom kinds convert by apiVersion alone (strategy ``None``). Events and autoscalers change shape, as in
upstream's ``pkg/apis/core/v1`` and ``pkg/apis/autoscaling/v1``.
"""

from __future__ import annotations

from kubelab.client import Object
from kubelab.engine.apiserver.kinds import Kind

# events.k8s.io/v1 field -> core/v1 field
_EVENT_FIELDS = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedCount": "count",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
}
_EVENT_FIELDS_BACK = {stored: served for served, stored in _EVENT_FIELDS.items()}


def to_storage(kind: Kind, obj: Object) -> Object:
    """Return the object in the version in which it is stored; the object itself if that is this one."""
    if kind.storage is kind.resource or kind.storage == kind.resource:
        return obj
    stored = {**obj, "apiVersion": kind.storage.api_version}
    if kind.custom is not None:
        return stored
    return _renamed(stored, _EVENT_FIELDS) if kind.resource.kind == "Event" else _to_autoscaling_v2(stored)


def from_storage(kind: Kind, obj: Object) -> Object:
    """Return a stored object in the version that was asked for."""
    if kind.storage is kind.resource or kind.storage == kind.resource:
        return obj
    served = {**obj, "apiVersion": kind.resource.api_version}
    if kind.custom is not None:
        return served
    back = kind.resource.kind == "Event"
    return _renamed(served, _EVENT_FIELDS_BACK) if back else _to_autoscaling_v1(served)


def _renamed(obj: Object, names: dict[str, str]) -> Object:
    return {names.get(key, key): value for key, value in obj.items()}


def _to_autoscaling_v2(obj: Object) -> Object:
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    target = spec.pop("targetCPUUtilizationPercentage", None)
    if target is not None:
        goal = {"type": "Utilization", "averageUtilization": target}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": goal}}]
    current = status.pop("currentCPUUtilizationPercentage", None)
    if current is not None:
        usage = {"name": "cpu", "current": {"averageUtilization": current, "averageValue": "0"}}
        status["currentMetrics"] = [{"type": "Resource", "resource": usage}]
    return {**obj, "spec": spec, **({"status": status} if "status" in obj else {})}


def _to_autoscaling_v1(obj: Object) -> Object:
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    for metric in spec.pop("metrics", None) or []:
        target = _cpu(metric).get("target") or {}
        if "averageUtilization" in target:
            spec["targetCPUUtilizationPercentage"] = target["averageUtilization"]
    for metric in status.pop("currentMetrics", None) or []:
        current = _cpu(metric).get("current") or {}
        if "averageUtilization" in current:
            status["currentCPUUtilizationPercentage"] = current["averageUtilization"]
    spec.pop("behavior", None)
    status.pop("conditions", None)
    return {**obj, "spec": spec, **({"status": status} if "status" in obj else {})}


def _cpu(metric: Object) -> Object:
    resource: Object = metric.get("resource") or {}
    return resource if resource.get("name") == "cpu" else {}
