"""What a pod holds while it is resized: what it asks for, what its node gave it, what its containers have.

Whoever counts what a pod takes counts the largest of these (``k8s.io/component-helpers/resource``, v1.37).
"""

from __future__ import annotations

from typing import Literal

from kubelab.client import Object

PENDING, IN_PROGRESS = "PodResizePending", "PodResizeInProgress"
"""Types of a pod's conditions."""

INFEASIBLE, DEFERRED = "Infeasible", "Deferred"
"""Reasons of `PENDING`: never, or not now."""

_FIELDS = ("containers", "initContainers")


def specs_of(pod: Object, part: Literal["requests", "limits"]) -> list[Object]:
    """Return the pod's spec once for each account of its containers' requests or limits; mostly one.

    Parameters
    ----------
    pod : dict
        A Pod with its status.
    part : str
        Which of its resources will be counted.
    """
    spec, status = pod["spec"], pod.get("status") or {}
    told = {
        entry["name"]: entry
        for field in ("containerStatuses", "initContainerStatuses")
        for entry in status.get(field) or ()
        if "resources" in entry or "allocatedResources" in entry
    }
    if not told or all(
        _is_settled(container, told) for field in _FIELDS for container in spec.get(field) or ()
    ):
        return [spec]
    infeasible = is_infeasible(pod)
    accounts = ("allocated", "actual") if part == "requests" else ("actual",)
    seen = [_spec_with(spec, told, part, account, wanted=not infeasible) for account in accounts]
    return seen if infeasible else [spec, *seen]


def is_infeasible(pod: Object) -> bool:
    """Tell whether the pod's node has refused for good what the pod asks for."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == PENDING and each.get("reason") == INFEASIBLE for each in conditions)


def _is_settled(container: Object, told: dict[str, Object]) -> bool:
    entry = told.get(container["name"], {})
    requests, limits = _part(container, "requests"), _part(container, "limits")
    if entry.get("allocatedResources", requests) != requests:
        return False
    return "resources" not in entry or (_part(entry, "requests"), _part(entry, "limits")) == (
        requests,
        limits,
    )


def _spec_with(spec: Object, told: dict[str, Object], part: str, account: str, *, wanted: bool) -> Object:
    def counted(container: Object) -> Object:
        entry = told.get(container["name"], {})
        amounts = _part(container, part) if wanted else {}
        if part == "requests":
            amounts = entry.get("allocatedResources", amounts)
        if account == "actual":
            amounts = _part(entry, part) or amounts
        return {**container, "resources": {part: amounts}}

    return {
        **spec,
        **{field: [counted(each) for each in spec[field]] for field in _FIELDS if spec.get(field)},
    }


def _part(holder: Object, part: str) -> Object:
    resources: Object = holder.get("resources") or {}
    return resources.get(part) or {}
