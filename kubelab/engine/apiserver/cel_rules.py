"""The CEL rules of a CRD's schema (``x-kubernetes-validations``), with transitions and message expressions.

Upstream: apiextensions-apiserver's ``pkg/apiserver/schema/cel``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from kubelab.cel.program import CelError, escape, mentions, program
from kubelab.client import Object
from kubelab.engine.apiserver.definitions import JsonSchema
from kubelab.engine.apiserver.validation.causes import Cause, shown

_ABSENT: Any = object()
_WORDS = {
    "FieldValueInvalid": "Invalid value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueRequired": "Required value",
    "FieldValueDuplicate": "Duplicate value",
}


class Rules:
    """All rules of one schema.

    Parameters
    ----------
    schema : dict
        A structural schema.
    """

    def __init__(self, schema: JsonSchema) -> None:
        self._tree = _with_rules(schema)

    def __bool__(self) -> bool:
        return self._tree is not None

    def validate(self, obj: Object, old: Object | None = None) -> Iterator[Cause]:
        """Check an object, and its change if there was one before it."""
        if self._tree is not None:
            yield from _validate(self._tree, obj, _ABSENT if old is None else old, "")


def _with_rules(schema: JsonSchema) -> JsonSchema | None:
    """Return the part of a schema under which something has rules; None if nothing has."""
    kept: JsonSchema = {}
    children = {name: _with_rules(child) for name, child in (schema.get("properties") or {}).items()}
    children = {name: child for name, child in children.items() if child is not None}
    if children:
        kept["properties"] = children
    for key in ("items", "additionalProperties"):
        child = _with_rules(schema[key]) if isinstance(schema.get(key), dict) else None
        if child is not None:
            kept[key] = child
    rules = schema.get("x-kubernetes-validations")
    if rules:
        kept["rules"] = rules
        kept["schema"] = schema if _needs_conversion(schema) else None
    if not kept:
        return None
    kept["type"] = schema.get("type") or "object"
    kept["keys"] = (
        schema.get("x-kubernetes-list-map-keys") if schema.get("x-kubernetes-list-type") == "map" else None
    )
    return kept


def _validate(tree: JsonSchema, value: Any, old: Any, path: str) -> Iterator[Cause]:
    if value is None:
        return
    if "rules" in tree:
        yield from _check_rules(tree, value, old, path)
    if isinstance(value, dict):
        properties, rest = tree.get("properties") or {}, tree.get("additionalProperties")
        for name, item in value.items():
            child = properties.get(name) or rest
            if child is not None:
                before = old.get(name, _ABSENT) if isinstance(old, dict) else _ABSENT
                at = f"{path}[{name}]" if name not in properties else f"{path}.{name}" if path else name
                yield from _validate(child, item, before, at)
    elif isinstance(value, list) and "items" in tree:
        for i, item in enumerate(value):
            yield from _validate(tree["items"], item, _correlated(tree, item, old), f"{path}[{i}]")


def _correlated(tree: JsonSchema, item: Any, old: Any) -> Any:
    """Return what an item was before: known only for lists that are maps."""
    keys = tree["keys"]
    if not keys or not isinstance(old, list) or not isinstance(item, dict):
        return _ABSENT
    for before in old:
        if isinstance(before, dict) and all(before.get(key) == item.get(key) for key in keys):
            return before
    return _ABSENT


def _check_rules(tree: JsonSchema, value: Any, old: Any, path: str) -> Iterator[Cause]:
    """Check a value, converted once, against every rule of its schema."""
    schema = tree["schema"]
    first = {"self": _converted(schema, value)}
    both: dict[str, Any] | None = None
    for rule in tree["rules"]:
        variables = first
        if mentions(rule["rule"], "oldSelf"):
            if old is _ABSENT or old is None:
                continue
            both = both or {**first, "oldSelf": _converted(schema, old)}
            variables = both
        yield from _check(rule, tree, variables, value, path)


def _check(
    rule: Object, tree: JsonSchema, variables: dict[str, Any], value: Any, path: str
) -> Iterator[Cause]:
    expression = rule["rule"]
    try:
        holds = program(expression)(variables)
    except CelError as error:
        yield _cause(rule, tree, f"{error} evaluating rule: {rule.get('message') or expression}", path)
        return
    if holds is not True:
        yield _cause(rule, tree, _message(rule, variables), path, value=value)


def _message(rule: Object, variables: dict[str, Any]) -> str:
    """Return what a broken rule says: its expression's text, its message, or the rule itself."""
    expression = rule.get("messageExpression")
    if expression:
        try:
            text = program(expression)(variables)
        except CelError:
            text = ""
        if isinstance(text, str) and text.strip() and "\n" not in text:
            return text.strip()
    return str(rule.get("message") or f"failed rule: {' '.join(rule['rule'].split())}")


def _cause(rule: Object, tree: JsonSchema, detail: str, path: str, *, value: Any = _ABSENT) -> Cause:
    """Return the cause of a rule: one that was broken shows the value, unless that is a structure."""
    reason = rule.get("reason") or "FieldValueInvalid"
    word = _WORDS.get(reason, "Invalid value")
    text = f'"{tree["type"]}"' if value is _ABSENT else shown(value)
    text = "" if isinstance(value, dict | list) else text
    said = "" if not text or reason in {"FieldValueForbidden", "FieldValueRequired"} else f": {text}"
    field = f"{path}{rule.get('fieldPath', '')}".removeprefix(".")
    return Cause(reason, f"{word}{said}: {detail}", field or "<nil>")


def _needs_conversion(schema: JsonSchema) -> bool:
    """Tell whether CEL sees values of this schema otherwise than JSON does."""
    if schema.get("type") == "number" or schema.get("format") in {"date-time", "date", "duration"}:
        return True
    properties = schema.get("properties") or {}
    nested = [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    return any(escape(name) != name or _needs_conversion(child) for name, child in properties.items()) or any(
        map(_needs_conversion, nested)
    )


def _converted(schema: JsonSchema | None, value: Any) -> Any:
    """Return a value as CEL sees it: doubles, timestamps and durations typed, names of fields escaped."""
    if schema is None or value is None:
        return value
    if isinstance(value, dict):
        properties, rest = schema.get("properties") or {}, schema.get("additionalProperties")
        rest = rest if isinstance(rest, dict) else None
        return {
            (escape(key) if key in properties else key): _converted(properties.get(key, rest), item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_converted(schema.get("items"), item) for item in value]
    return _scalar(schema, value)


def _scalar(schema: JsonSchema, value: Any) -> Any:
    if schema.get("type") == "number" and not isinstance(value, bool):
        return float(value)
    try:
        if schema.get("format") in {"date-time", "date"}:
            return datetime.fromisoformat(value)
        if schema.get("format") == "duration":
            return timedelta(seconds=float(str(value).removesuffix("s")))
    except ValueError:
        return value
    return value
