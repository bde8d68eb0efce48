"""What one object counts for in a quota.

Upstream: ``pkg/quota/v1/evaluator/core`` (pods, services, claims) and ``pkg/quota/v1/install``: every other
namespaced kind counts as one object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from kubelab.client import Object, Resource
from kubelab.clock import parse_rfc3339
from kubelab.engine.quotas.amounts import Amounts, add, largest, parse
from kubelab.scheduling.resizing import specs_of

PLAIN_COUNTS = frozenset(
    {
        "configmaps",
        "persistentvolumeclaims",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "services",
    }
)
"""Kinds that a quota may also count by their plural alone."""

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_ONE = Decimal(1)
_REQUESTS = "requests."
_STORAGE_CLASS = ".storageclass.storage.k8s.io/"
_SERVICES = frozenset({"services", "services.loadbalancers", "services.nodeports"})
_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"


def usage(resource: Resource, obj: Object, now: datetime) -> Amounts:
    """Return what an object uses, by the names that quotas have for it."""
    counted = {_count(resource): _ONE}
    if resource.group == "" and resource.plural in _MEASURES:
        return {**counted, **_MEASURES[resource.plural](obj, now)}
    if resource.group == "" and resource.plural in PLAIN_COUNTS:
        counted[resource.plural] = _ONE
    return counted


def limited(resource: Resource, names: Iterable[str]) -> set[str]:
    """Return which of a quota's resources objects of a kind can use."""
    count, plural = _count(resource), resource.plural if not resource.group else ""
    return {name for name in names if name == count or (plural and _is_of(plural, name))}


def held_amounts(pod: Object, part: Literal["requests", "limits"]) -> Amounts:
    """Return what a pod holds: while it is resized, the most of what it asks for, was given and has."""
    total: Amounts = {}
    for spec in specs_of(pod, part):
        total = largest(total, pod_amounts(spec, part))
    return total


def pod_amounts(spec: Object, part: str) -> Amounts:
    """Return the sum of a pod's ``requests`` or ``limits``: sidecars add up, init containers run in turn."""
    running: Amounts = {}
    for container in spec.get("containers") or ():
        running = add(running, _resources(container, part))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = _resources(container, part)
        if container.get("restartPolicy") == "Always":
            running, sidecars = add(running, own), add(sidecars, own)
            peak = largest(peak, sidecars)
        else:
            peak = largest(peak, add(own, sidecars))
    total = {**largest(running, peak), **_resources(spec, part)}
    overhead = parse(spec.get("overhead"))
    return add(total, overhead if part == "requests" else {k: v for k, v in overhead.items() if k in total})


def container_amounts(container: Object) -> Amounts:
    """Return what a container's requests and limits count for."""
    return _compute(_resources(container, "requests"), _resources(container, "limits"))


def is_charged(pod: Object, now: datetime) -> bool:
    """Tell whether a pod's compute counts: not once it has ended or outlived its grace."""
    meta = pod["metadata"]
    if (pod.get("status") or {}).get("phase") in {"Failed", "Succeeded"}:
        return False
    if "deletionTimestamp" in meta and meta.get("deletionGracePeriodSeconds") is not None:
        grace = timedelta(seconds=meta["deletionGracePeriodSeconds"])
        return now <= parse_rfc3339(meta["deletionTimestamp"]) + grace
    return True


def _count(resource: Resource) -> str:
    return f"count/{resource.plural}.{resource.group}".rstrip(".")


def _is_of(plural: str, name: str) -> bool:
    if plural == "pods":
        bare = name.removeprefix(_REQUESTS).removeprefix("limits.")
        extended = name.startswith(_REQUESTS) and "/" in bare
        return name == "pods" or bare in _COMPUTE or bare.startswith("hugepages-") or (
            extended and _STORAGE_CLASS not in name
        )  # fmt: skip
    if plural == "services":
        return name in _SERVICES
    if plural == "persistentvolumeclaims":
        return name in {plural, "requests.storage"} or _STORAGE_CLASS in name
    return name == plural and plural in PLAIN_COUNTS


def _pod(pod: Object, now: datetime) -> Amounts:
    if not is_charged(pod, now):
        return {}
    return {"pods": _ONE, **_compute(held_amounts(pod, "requests"), held_amounts(pod, "limits"))}


def _compute(requests: Amounts, limits: Amounts) -> Amounts:
    found: Amounts = {}
    for name, amount in requests.items():
        if name in _COMPUTE or name.startswith("hugepages-"):
            found[name] = amount
        if name in _COMPUTE or name.startswith("hugepages-") or "/" in name:
            found[_REQUESTS + name] = amount
    return found | {f"limits.{name}": amount for name, amount in limits.items() if name in _COMPUTE}


def _service(service: Object, _now: datetime) -> Amounts:
    spec = service.get("spec") or {}
    ports, balanced = Decimal(len(spec.get("ports") or ())), spec.get("type") == "LoadBalancer"
    exposed = spec.get("type") == "NodePort" or (balanced and spec.get("allocateLoadBalancerNodePorts", True))
    return {
        "services": _ONE,
        "services.loadbalancers": _ONE if balanced else Decimal(),
        "services.nodeports": ports if exposed else Decimal(),
    }


def _claim(claim: Object, _now: datetime) -> Amounts:
    spec = claim.get("spec") or {}
    storage = _resources(spec, "requests").get("storage", Decimal())
    class_name = (claim["metadata"].get("annotations") or {}).get(_BETA_CLASS) or spec.get("storageClassName")
    found = {"persistentvolumeclaims": _ONE, "requests.storage": storage}
    if class_name:
        found |= {
            f"{class_name}{_STORAGE_CLASS}persistentvolumeclaims": _ONE,
            f"{class_name}{_STORAGE_CLASS}requests.storage": storage,
        }
    return found


def _resources(holder: Object, part: str) -> Amounts:
    return parse((holder.get("resources") or {}).get(part))


_MEASURES: dict[str, Callable[[Object, datetime], Amounts]] = {
    "pods": _pod,
    "services": _service,
    "persistentvolumeclaims": _claim,
}
