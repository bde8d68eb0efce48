"""Label selectors, and the rule that a workload's selector matches its own template.

Upstream: apimachinery's ``pkg/apis/meta/v1/validation``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kubelab.client import Object
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.causes import Cause, forbidden, invalid, required
from kubelab.engine.apiserver.validation.metadata import validate_labels


def validate_selector(selector: Object | None, path: str) -> Iterator[Cause]:
    """Check a ``LabelSelector``."""
    if not selector:
        return
    yield from validate_labels(selector.get("matchLabels") or {}, f"{path}.matchLabels")
    for i, requirement in enumerate(selector.get("matchExpressions") or ()):
        yield from _validate_requirement(requirement, f"{path}.matchExpressions[{i}]")


def matches(selector: Object, labels: Mapping[str, str]) -> bool:
    """Tell whether a selector selects an object with these labels."""
    wanted: Object = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or ()
    return wanted.items() <= labels.items() and all(
        _expression_matches(expression, labels) for expression in expressions
    )


def validate_selector_matches_template(spec: Object, path: str = "spec") -> Iterator[Cause]:
    """Check a workload's selector: not empty, well formed, and selecting the template's labels."""
    selector = spec.get("selector") or {}
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        if selector:
            yield invalid(f"{path}.selector", selector, "empty selector is invalid for deployment")
        return
    yield from validate_selector(selector, f"{path}.selector")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if not matches(selector, labels):
        detail = "`selector` does not match template `labels`"
        yield invalid(f"{path}.template.metadata.labels", labels or None, detail)


def _validate_requirement(requirement: Object, path: str) -> Iterator[Cause]:
    operator, values = requirement.get("operator"), requirement.get("values") or []
    if operator in {"In", "NotIn"} and not values:
        yield required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in {"Exists", "DoesNotExist"} and values:
        yield forbidden(
            f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        )
    if requirement.get("key"):
        for problem in names.qualified_name(requirement["key"]):
            yield invalid(f"{path}.key", requirement["key"], problem)
    for i, value in enumerate(values):
        for problem in names.label_value(value):
            yield invalid(f"{path}.values[{i}]", value, problem)


def _expression_matches(expression: Object, labels: Mapping[str, str]) -> bool:
    value = labels.get(expression.get("key", ""))
    values = expression.get("values") or []
    operator = expression.get("operator")
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    return (value is not None) is (operator == "Exists")
