"""Resources of a container and how they may change.

Upstream: ``ValidateContainerResourceRequirements`` and ``validateResizePolicy`` of core validation.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubelab.client import Object
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.causes import Cause, duplicate, invalid, not_supported, required
from kubelab.quantities import parse_quantity

_STANDARD = frozenset({"cpu", "memory", "ephemeral-storage"})
_HUGE_PAGES = "hugepages-"
_RESIZABLE = ("cpu", "memory")
_RESIZE_POLICIES = ("NotRequired", "RestartContainer")


def validate_resources(resources: Object, path: str) -> Iterator[Cause]:
    """Check names and quantities, and that no request exceeds its limit."""
    limits, requests = resources.get("limits"), resources.get("requests")
    if limits:
        yield from _validate_quantities(limits, f"{path}.limits")
    if not requests:
        return
    yield from _validate_quantities(requests, f"{path}.requests")
    for name, request in requests.items():
        limit = limits.get(name) if limits else None
        if limit is None:
            if _must_be_limited(name):
                detail = "Limit must be set for non overcommitable resources"
                yield Cause("FieldValueRequired", f"Required value: {detail}", f"{path}.limits")
        elif limit != request:
            yield from _validate_pair(name, request, limit, path)


def validate_resize_policy(container: Object, spec: Object, path: str) -> Iterator[Cause]:
    """Check what a container says of how its resources may change while it runs."""
    at, seen = f"{path}.resizePolicy", set()
    for i, policy in enumerate(container["resizePolicy"]):
        resource, restart = policy.get("resourceName", ""), policy.get("restartPolicy", "")
        if resource in seen:
            yield duplicate(f"{at}[{i}]", resource)
        seen.add(resource)
        for value, known in ((resource, _RESIZABLE), (restart, _RESIZE_POLICIES)):
            if not value:
                yield required(at)
            elif value not in known:
                yield not_supported(at, value, known)
        if spec.get("restartPolicy") == "Never" and restart != "NotRequired":
            yield invalid(at, restart, "must be 'NotRequired' when pod `restartPolicy` is 'Never'")


def _validate_pair(name: str, request: str | float, limit: str | float, path: str) -> Iterator[Cause]:
    requested, limited = parse_quantity(request), parse_quantity(limit)
    if _must_be_limited(name):
        if requested != limited:
            yield invalid(f"{path}.requests", str(request), f"must be equal to {name} limit of {limit}")
    elif requested > limited:
        detail = f"must be less than or equal to {name} limit of {limit}"
        yield invalid(f"{path}.requests", str(request), detail)


def _validate_quantities(quantities: Object, path: str) -> Iterator[Cause]:
    for name, quantity in quantities.items():
        if name not in _STANDARD and not name.startswith(_HUGE_PAGES):
            yield from _validate_name(name, f"{path}[{name}]")
        if str(quantity).startswith("-"):
            yield invalid(f"{path}[{name}]", str(quantity), "must be greater than or equal to 0")
        elif _must_be_limited(name) and parse_quantity(quantity) % 1:
            yield invalid(f"{path}[{name}]", str(quantity), "must be an integer")


def _validate_name(name: str, path: str) -> Iterator[Cause]:
    for problem in names.qualified_name(name):
        yield invalid(path, name, problem)
    if "/" not in name:
        yield invalid(path, name, "must be a standard resource type or fully qualified")
        yield invalid(path, name, "must be a standard resource for containers")


def _must_be_limited(name: str) -> bool:
    """Tell whether a resource cannot be overcommitted: huge pages and extended resources."""
    return name not in _STANDARD and ("/" in name or name.startswith(_HUGE_PAGES))
