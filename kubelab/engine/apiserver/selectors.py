"""Label and field selectors: ``app=web,tier in (a, b),!canary``, ``spec.nodeName=n1,status.phase!=Failed``.

The grammar is that of apimachinery's ``pkg/fields``; that of labels is in `label_queries`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import orjson

from kubelab.client import Object
from kubelab.engine.apiserver.collection import Key, Stored
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.label_queries import Labels, label_predicate
from kubelab.engine.apiserver.status import bad_request

Predicate = Callable[[Key, Stored], bool]

_TERM = re.compile(r"(?:\\.|[^\\,]|\\$)+")
_OPERATOR = re.compile(r"!=|==|=")
_ESCAPE = re.compile(r"\\.|\\$|[,=]", re.DOTALL)

# Fields other than metadata.name and metadata.namespace that each kind can be selected by
# (upstream: the conversion.go of each group under pkg/apis, and the strategies' SelectableFields).
_SELECTABLE: dict[str, frozenset[str]] = {
    "Pod": frozenset(
        {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
         "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName"}
    ),
    "Event": frozenset(
        {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
         "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
         "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid",
         "regarding.apiVersion", "regarding.resourceVersion", "regarding.fieldPath",
         "reason", "reportingComponent", "reportingController", "source", "type"}
    ),
    "Namespace": frozenset({"status.phase"}),
    "Node": frozenset({"spec.unschedulable"}),
    "Secret": frozenset({"type"}),
    "Service": frozenset({"spec.clusterIP", "spec.type"}),
    "Job": frozenset({"status.successful"}),
    "ReplicationController": frozenset({"status.replicas"}),
    "CertificateSigningRequest": frozenset({"spec.signerName"}),
}  # fmt: skip

# Selectors name some fields otherwise than the stored object does.
_STORED_AS: dict[str, dict[str, str]] = {
    "Event": {
        **{f"regarding.{part}": f"involvedObject.{part}" for part in
           ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")},
        "reportingController": "reportingComponent",
        "source": "source.component",
    },
    "Job": {"status.successful": "status.succeeded"},
}  # fmt: skip


def predicate(kind: Kind, labels: str, fields: str) -> Predicate | None:
    """Return the test that both selectors make of a stored object, or None if every object passes.

    Raises
    ------
    ApiError
        400 if one is malformed, or a field is not one the kind can be selected by.
    """
    by_label = label_predicate(labels)
    by_field = _field_predicate(kind, fields)
    if by_label is None:
        return by_field
    if by_field is None:
        return lambda _key, stored: by_label(stored.labels)
    return lambda key, stored: by_label(stored.labels) and by_field(key, stored)


def _field_predicate(kind: Kind, text: str) -> Predicate | None:
    tests = [_field_test(kind, *_term(text, part)) for part in sorted(_TERM.findall(text)) if part]
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda key, stored: all(test(key, stored) for test in tests)


def _term(text: str, part: str) -> tuple[str, bool, str]:
    """Return the field of a term, whether it must have the value, and the value."""
    match = _OPERATOR.search(part)
    if match is None:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
    return part[: match.start()], match[0] != "!=", _unescaped(part[match.end() :])


def _unescaped(value: str) -> str:
    for found in _ESCAPE.finditer(value):
        escaped = found[0]
        if escaped in {",", "="}:
            raise bad_request(f"invalid field selector: unescaped character in value: {ord(escaped)}")
        if escaped[1:] not in {"\\", ",", "="}:
            raise bad_request(f"invalid field selector: invalid escape sequence: {escaped}")
    return _ESCAPE.sub(lambda found: found[0][1:], value)


def _field_test(kind: Kind, field: str, wanted: bool, value: str) -> Predicate:
    if field == "metadata.name":
        return lambda key, _stored: (key[1] == value) is wanted
    if field == "metadata.namespace":
        return lambda key, _stored: (key[0] == value) is wanted
    path = _stored_path(kind, field)
    return lambda _key, stored: (_field_text(stored, path) == value) is wanted


def _stored_path(kind: Kind, field: str) -> list[str]:
    if field not in _selectable(kind):
        if kind.custom is None and kind.resource.kind not in _SELECTABLE:
            only = 'only "metadata.name", "metadata.namespace"'
            raise bad_request(f'"{field}" is not a known field selector: {only}')
        if kind.resource.kind == "Job":  # whose conversion says it in other words
            raise bad_request(f'field label "{field}" not supported for {kind.resource.kind}')
        raise bad_request(f"field label not supported: {field}")
    return _STORED_AS.get(kind.resource.kind, {}).get(field, field).split(".")


def _selectable(kind: Kind) -> frozenset[str]:
    if kind.custom is None:
        return _SELECTABLE.get(kind.resource.kind, frozenset())
    version = kind.resource.version
    versions: list[Object] = kind.custom["spec"]["versions"]
    served: Object = next((entry for entry in versions if entry["name"] == version), {})
    return frozenset(entry["jsonPath"].lstrip(".") for entry in served.get("selectableFields") or ())


def _field_text(stored: Stored, path: list[str]) -> str:
    value: Object | str | bool | int | None = orjson.loads(stored.body)
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return {"unschedulable": "false", "hostNetwork": "false", "replicas": "0", "succeeded": "0"}.get(
            path[-1], ""
        )
    return str(value)


def matches(selector: Object | None, labels: Labels) -> bool:
    """Tell whether a ``metav1.LabelSelector`` selects labels: none selects nothing, an empty one all."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_fulfils(each, labels) for each in selector.get("matchExpressions") or [])


def selector_text(selector: Object) -> str:
    """Return a ``metav1.LabelSelector`` (or a plain map) in the form of a query, sorted by key."""
    if not {"matchLabels", "matchExpressions"} & set(selector):
        selector = {"matchLabels": selector}
    terms = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    terms += [(each["key"], _expression_text(each)) for each in selector.get("matchExpressions") or []]
    return ",".join(text for _, text in sorted(terms))


def _expression_text(expression: Object) -> str:
    key, values = expression["key"], ",".join(sorted(expression.get("values") or []))
    written = {"Exists": key, "DoesNotExist": f"!{key}"}
    return written.get(expression["operator"]) or f"{key} {expression['operator'].lower()} ({values})"


def _fulfils(expression: Object, labels: Labels) -> bool:
    key, values = expression["key"], expression.get("values") or []
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(expression["operator"], False)
