"""Quotas and limit ranges of a namespace (upstream: ``pkg/apis/core/validation``)."""

from __future__ import annotations

from collections.abc import Iterator

from kubelab.client import Object
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.causes import Cause, invalid
from kubelab.quantities import parse_quantity

_PAIRS = (("min", "max"), ("min", "default"), ("defaultRequest", "default"), ("default", "max"))


def validate_quota(quota: Object) -> Iterator[Cause]:
    """Check a ResourceQuota."""
    for name, quantity in ((quota.get("spec") or {}).get("hard") or {}).items():
        for problem in names.qualified_name(name):
            yield invalid(f"spec.hard[{name}]", name, problem)
        if parse_quantity(quantity) < 0:
            yield invalid(f"spec.hard[{name}]", str(quantity), "must be greater than or equal to 0")


def validate_limit_range(limit_range: Object) -> Iterator[Cause]:
    """Check that each minimum of a LimitRange is at most its default, and that at most its maximum."""
    for i, item in enumerate((limit_range.get("spec") or {}).get("limits") or ()):
        for lower, upper in _PAIRS:
            for name, quantity in (item.get(lower) or {}).items():
                limit = (item.get(upper) or {}).get(name)
                if limit is not None and parse_quantity(quantity) > parse_quantity(limit):
                    detail = f"{lower} value {quantity} is greater than {upper} value {limit}"
                    yield invalid(f"spec.limits[{i}].{lower}[{name}]", str(quantity), detail)
