"""Resource requests and limits of a container (upstream: ``ValidateContainerResourceRequirements``)."""

from __future__ import annotations

from collections.abc import Iterator

from kubelab.client import Object
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.causes import Cause, invalid
from kubelab.quantities import parse_quantity

_STANDARD = frozenset({"cpu", "memory", "ephemeral-storage"})
_HUGE_PAGES = "hugepages-"


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
