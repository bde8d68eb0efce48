"""The field rules of a built-in kind, compiled into one validator, and the causes for what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema_rs import Draft4Validator, ValidationError

from kubelab.client import Object
from kubelab.engine.apiserver.definitions import JsonSchema, definition, short_name
from kubelab.engine.apiserver.validation.causes import Cause, required
from kubelab.engine.apiserver.validation.fields import FIELDS
from kubelab.engine.apiserver.validation.rules import Rule

_validators: dict[str, Draft4Validator] = {}


def check_fields(name: str, value: Object, path: str = "") -> Iterator[Cause]:
    """Check a value of a built-in type against the rules of all fields in it.

    Parameters
    ----------
    name : str
        The type, such as ``io.k8s.api.core.v1.Pod``.
    value : dict
        A decoded value.
    path : str
        Where the value stands in its object; empty for a whole object.
    """
    validator = _validators.get(name)
    if validator is None:
        validator = _validators[name] = _compile(name)
    if validator.is_valid(value):
        return
    for error in validator.iter_errors(value):
        yield from _causes(error, value, path)


def field_path(parts: list[str | int], base: str = "") -> str:
    """Join a path as upstream writes it: ``spec.containers[0].name``."""
    result = base
    for part in parts:
        if isinstance(part, int):
            result += f"[{part}]"
        elif result:
            result += f".{part}"
        else:
            result = part
    return result


def _compile(name: str) -> Draft4Validator:
    needed: dict[str, JsonSchema] = {}
    root = _rules_of(name, needed)
    return Draft4Validator({"$ref": root, "definitions": {k: v for k, v in needed.items() if v}})


def _rules_of(name: str, needed: dict[str, JsonSchema]) -> str:
    """Compile one type, and all those within it, into ``needed``; return a reference to it."""
    reference = f"#/definitions/{name}"
    if name in needed:
        return reference
    needed[name] = {"type": "object"}  # a type may contain itself
    rules = FIELDS.get(short_name(name), {})
    properties: dict[str, JsonSchema] = {}
    for field, raw in (definition(name).get("properties") or {}).items():
        parts = [
            part for part in (_nested(raw, needed), rules[field].schema if field in rules else None) if part
        ]
        if parts:
            properties[field] = {"allOf": parts} if len(parts) > 1 else parts[0]
    result: JsonSchema = {"properties": properties}
    wanted = [field for field, rule in rules.items() if rule.needed]
    if wanted:
        result["required"] = wanted
    needed[name] = result
    return reference


def _nested(raw: JsonSchema, needed: dict[str, JsonSchema]) -> JsonSchema | None:
    if "$ref" in raw:
        inner = definition(raw["$ref"])
        if inner.get("type") == "object" and inner.get("properties"):
            return {"$ref": _rules_of(raw["$ref"], needed)}
        return None
    for key in ("items", "additionalProperties"):
        if isinstance(raw.get(key), dict):
            child = _nested(raw[key], needed)
            return {key: child} if child else None
    return None


def _causes(error: ValidationError, value: Object, base: str) -> list[Cause]:
    schema_path, parts = list(error.schema_path), list(error.instance_path)
    kind = type(error.kind).__name__.rsplit("_", 1)[-1]
    if kind == "Required":
        name, field = str(schema_path[1]), str(getattr(error.kind, "property", ""))
        return [required(field_path([*parts, field], base), FIELDS[short_name(name)][field].detail)]
    rule = _rule_at(schema_path)
    path = field_path(parts, base)
    found = _at(value, parts)
    if found == "":  # Go's zero value: absent
        return [required(path, rule.detail)] if rule.needed else []
    return rule.explain(path, found)


def _rule_at(schema_path: list[str | int]) -> Rule:
    """Return the rule whose keyword failed: the last type and field on the way to it."""
    at = max(i for i, part in enumerate(schema_path) if part == "definitions")
    return FIELDS[short_name(str(schema_path[at + 1]))][str(schema_path[at + 3])]


def _at(value: Any, parts: list[str | int]) -> Any:
    for part in parts:
        value = value[part]
    return value
