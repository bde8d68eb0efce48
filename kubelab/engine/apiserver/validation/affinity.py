"""Where a pod may run: node and pod affinity, topology spread (upstream: ``validateAffinity``)."""

from __future__ import annotations

from collections.abc import Iterator

from kubelab.client import Object
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.causes import Cause, duplicate, forbidden, invalid, required
from kubelab.engine.apiserver.validation.label_selectors import validate_selector

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def validate_affinity(affinity: Object, path: str) -> Iterator[Cause]:
    """Check an ``Affinity``."""
    node = affinity.get("nodeAffinity") or {}
    yield from validate_node_selector(node.get(_REQUIRED), f"{path}.nodeAffinity.{_REQUIRED}")
    for i, term in enumerate(node.get(_PREFERRED) or ()):
        at = f"{path}.nodeAffinity.{_PREFERRED}[{i}].preference"
        yield from _validate_node_term(term.get("preference") or {}, at)
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind) or {}
        for i, term in enumerate(terms.get(_REQUIRED) or ()):
            yield from _validate_pod_term(term, f"{path}.{kind}.{_REQUIRED}[{i}]")
        for i, weighted in enumerate(terms.get(_PREFERRED) or ()):
            at = f"{path}.{kind}.{_PREFERRED}[{i}].podAffinityTerm"
            yield from _validate_pod_term(weighted.get("podAffinityTerm") or {}, at)


def validate_node_selector(selector: Object | None, path: str) -> Iterator[Cause]:
    """Check a ``NodeSelector``."""
    for i, term in enumerate((selector or {}).get("nodeSelectorTerms") or ()):
        yield from _validate_node_term(term, f"{path}.nodeSelectorTerms[{i}]")


def validate_spread(constraints: list[Object], path: str) -> Iterator[Cause]:
    """Check topology spread constraints."""
    seen: set[tuple[object, object]] = set()
    for i, constraint in enumerate(constraints):
        key = (constraint.get("topologyKey"), constraint.get("whenUnsatisfiable"))
        if key in seen:
            yield duplicate(f"{path}[{i}].{{topologyKey, whenUnsatisfiable}}", f"{{{key[0]}, {key[1]}}}")
        seen.add(key)
        yield from validate_selector(constraint.get("labelSelector"), f"{path}[{i}].labelSelector")
        domains = constraint.get("minDomains")
        if domains is not None and domains <= 0:
            yield invalid(f"{path}[{i}].minDomains", domains, "must be greater than 0")
        elif domains is not None and key[1] != "DoNotSchedule":
            detail = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {key[1]}"
            yield invalid(f"{path}[{i}].minDomains", domains, detail)


def _validate_node_term(term: Object, path: str) -> Iterator[Cause]:
    for i, requirement in enumerate(term.get("matchExpressions") or ()):
        at = f"{path}.matchExpressions[{i}]"
        operator, values = requirement.get("operator"), requirement.get("values") or []
        if operator in {"In", "NotIn"} and not values:
            yield required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in {"Exists", "DoesNotExist"} and values:
            yield forbidden(
                f"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            )
        elif operator in {"Gt", "Lt"} and len(values) != 1:
            yield required(f"{at}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
        for problem in names.qualified_name(requirement.get("key", "")):
            yield invalid(f"{at}.key", requirement.get("key", ""), problem)


def _validate_pod_term(term: Object, path: str) -> Iterator[Cause]:
    yield from validate_selector(term.get("labelSelector"), f"{path}.labelSelector")
    yield from validate_selector(term.get("namespaceSelector"), f"{path}.namespaceSelector")
    key = term.get("topologyKey")
    for problem in names.qualified_name(key) if key else ():
        yield invalid(f"{path}.topologyKey", key, problem)
    for i, namespace in enumerate(term.get("namespaces") or ()):
        for problem in names.dns1123_label(namespace):
            yield invalid(f"{path}.namespaces[{i}]", namespace, problem)
