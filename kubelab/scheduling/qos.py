"""A pod's quality of service class, which says whose memory is taken first and cannot change."""

from __future__ import annotations

from typing import Literal

from kubelab.client import Object

QosClass = Literal["Guaranteed", "Burstable", "BestEffort"]


def qos_class(spec: Object) -> QosClass:
    """Return the class of a pod by its spec (upstream: ``qos.ComputePodQOS``, v1.37)."""
    level = spec.get("resources") or {}
    holders = [spec] if level.get("requests") or level.get("limits") else _containers(spec)
    found = {_of_one(holder.get("resources") or {}, name) for holder in holders for name in ("cpu", "memory")}
    if len(found) > 1:
        return "Burstable"
    return found.pop() if found else "BestEffort"


def _of_one(resources: Object, name: str) -> QosClass:
    """Return the class of one resource, its quantities written canonically."""
    request = (resources.get("requests") or {}).get(name, "0")
    if request != (resources.get("limits") or {}).get(name, "0"):
        return "Burstable"
    return "BestEffort" if request == "0" else "Guaranteed"


def _containers(spec: Object) -> list[Object]:
    return [container for field in ("containers", "initContainers") for container in spec.get(field) or ()]
