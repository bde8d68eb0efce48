"""Scopes: which pods (and claims) a quota is about.

Upstream: ``podMatchesScopeFunc`` and ``generic.Matches`` of ``pkg/quota/v1``.
"""

from __future__ import annotations

from kubelab.client import Object, Resource

_COMPUTE = ("cpu", "memory")


def in_scope(resource: Resource, obj: Object, quota_spec: Object) -> bool:
    """Tell whether all scopes of a quota's spec hold of an object."""
    selectors = [{"scopeName": scope, "operator": "Exists"} for scope in quota_spec.get("scopes") or ()]
    selectors += (quota_spec.get("scopeSelector") or {}).get("matchExpressions") or []
    if not selectors:
        return True
    if resource.group:
        return False
    if resource.plural == "pods":
        return all(_pod_matches(each, obj) for each in selectors)
    return resource.plural == "persistentvolumeclaims" and all(
        _claim_matches(each, obj) for each in selectors
    )


def is_best_effort(pod: Object) -> bool:
    """Tell whether a pod asks for neither CPU nor memory."""
    spec = pod.get("spec") or {}
    holders = [spec, *(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return not any(
        name in _COMPUTE
        for holder in holders
        for part in ("requests", "limits")
        for name in (holder.get("resources") or {}).get(part) or ()
    )


def is_terminating(pod: Object) -> bool:
    """Tell whether a pod has a deadline."""
    return (pod.get("spec") or {}).get("activeDeadlineSeconds") is not None


def _pod_matches(selector: Object, pod: Object) -> bool:  # noqa: PLR0911 - a table
    match selector["scopeName"]:
        case "Terminating":
            return is_terminating(pod)
        case "NotTerminating":
            return not is_terminating(pod)
        case "BestEffort":
            return is_best_effort(pod)
        case "NotBestEffort":
            return not is_best_effort(pod)
        case "PriorityClass":
            return _selects(selector, (pod.get("spec") or {}).get("priorityClassName") or "")
        case "CrossNamespacePodAffinity":
            return _looks_beyond_its_namespace((pod.get("spec") or {}).get("affinity") or {})
        case _:
            return False


def _claim_matches(selector: Object, claim: Object) -> bool:
    if selector["scopeName"] != "VolumeAttributesClass":
        return False
    return _selects(selector, (claim.get("spec") or {}).get("volumeAttributesClassName") or "")


def _selects(selector: Object, value: str) -> bool:
    values = selector.get("values") or []
    match selector["operator"]:
        case "Exists":
            return bool(value)
        case "DoesNotExist":
            return not value
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case _:
            return False


def _looks_beyond_its_namespace(affinity: Object) -> bool:
    terms: list[Object] = []
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        terms += rules.get("requiredDuringSchedulingIgnoredDuringExecution") or []
        preferred = rules.get("preferredDuringSchedulingIgnoredDuringExecution") or []
        terms += [each.get("podAffinityTerm") or {} for each in preferred]
    return any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms)
