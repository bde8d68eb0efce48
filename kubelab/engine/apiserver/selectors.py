"""Label and field selectors: ``app=web,tier in (a, b),!canary``, ``spec.nodeName=n1,status.phase!=Failed``.

The grammar is that of apimachinery's ``pkg/labels`` and ``pkg/fields``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import orjson

from kubelab.client import Object
from kubelab.engine.apiserver.collection import Key, Stored
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.status import bad_request
from kubelab.engine.apiserver.validation.names import label_value

Labels = Mapping[str, str]
Predicate = Callable[[Key, Stored], bool]

_KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_VALUE = r"[-A-Za-z0-9_.]*"
_LABEL_TERM = re.compile(
    rf"\s*(?:(?P<key>{_KEY})\s*(?P<op>==|!=|=)\s*(?P<value>{_VALUE})"
    rf"|(?P<set_key>{_KEY})\s+(?P<set_op>in|notin)\s*\((?P<values>[^()]*)\)"
    rf"|(?P<order_key>{_KEY})\s*(?P<order>[<>])\s*(?P<bound>-?[0-9]{{1,18}})"
    rf"|(?P<absent>!\s*)?(?P<exists>{_KEY}))\s*(?:,|$)"
)
_FIELD_TERM = re.compile(r"(?P<field>[^=!,]+)(?P<op>==|!=|=)(?P<value>(?:\\.|[^\\,=])*)(?:,|$)")

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
    "ReplicaSet": frozenset({"status.replicas"}),
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


def label_predicate(text: str) -> Callable[[Labels], bool] | None:
    """Return a test of labels, or None if every object passes.

    Raises
    ------
    ApiError
        400 if the text is not a selector.
    """
    if not text.strip():
        return None
    tests, position = [], 0
    while position < len(text):
        match = _LABEL_TERM.match(text, position)
        if match is None:
            found = text[position:].strip()[:63]
            raise bad_request(f"unable to parse requirement: found '{found}', expected: a requirement")
        tests.append(_label_test(match))
        position = match.end()
    return tests[0] if len(tests) == 1 else lambda labels: all(test(labels) for test in tests)


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


def _label_test(match: re.Match[str]) -> Callable[[Labels], bool]:
    if match["key"]:
        key, value, wanted = match["key"], match["value"], match["op"] != "!="
        for problem in label_value(value):
            said = f'values[0][{key}]: Invalid value: "{value}": {problem}'
            raise bad_request(f"unable to parse requirement: {said}")
        return lambda labels: (labels.get(key) == value) is wanted
    if match["set_key"]:
        set_key, wanted = match["set_key"], match["set_op"] == "in"
        values = {part.strip() for part in match["values"].split(",")}
        return lambda labels: (labels.get(set_key) in values) is wanted
    if match["order_key"]:
        return _order_test(match["order_key"], match["order"], int(match["bound"]))
    present, wanted = match["exists"], not match["absent"]
    return lambda labels: (present in labels) is wanted


def _order_test(key: str, order: str, bound: int) -> Callable[[Labels], bool]:
    def test(labels: Labels) -> bool:
        try:
            value = int(labels.get(key, ""))
        except ValueError:
            return False
        return value > bound if order == ">" else value < bound

    return test


def _field_predicate(kind: Kind, text: str) -> Predicate | None:
    if not text.strip():
        return None
    tests, position = [], 0
    while position < len(text):
        match = _FIELD_TERM.match(text, position)
        if match is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{text[position:]}'")
        tests.append(
            _field_test(kind, match["field"].strip(), match["op"] != "!=", _unescape(match["value"]))
        )
        position = match.end()
    return tests[0] if len(tests) == 1 else lambda key, stored: all(test(key, stored) for test in tests)


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


def _unescape(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value)


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
