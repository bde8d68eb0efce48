"""Validation of custom objects by their CRD's schema, worded as kube-openapi words it.

First values (types, ranges, patterns, logic), then lists that are sets or maps, then, if all is well so far,
the CEL rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

from jsonschema_rs import Draft4Validator, RegexOptions, ValidationError

from kubelab.client import Object
from kubelab.engine.apiserver.cel_rules import Rules
from kubelab.engine.apiserver.crds import schema_of_version
from kubelab.engine.apiserver.definitions import JsonSchema
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.validation.causes import (
    Cause,
    duplicate,
    invalid,
    not_supported,
    required,
    shown,
    too_long,
    too_many,
    wrong_type,
)
from kubelab.engine.apiserver.validation.checker import field_path

_VALUE_KEYWORDS = (
    "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "maxItems", "maxLength", "maxProperties",
    "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "pattern", "required",
)  # fmt: skip
_BLOCKING = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
"""After these no rule is evaluated (upstream: ``hasBlockingErr`` of the registry of custom resources)."""
_UNCHECKED = Cause(
    "FieldValueInvalid",
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
    "<nil>",
)
_LOGIC = {
    "OneOfNotValid": "must validate one and only one schema (oneOf). Found none valid",
    "OneOfMultipleValid": "must validate one and only one schema (oneOf). Found 2 valid alternatives",
    "AnyOf": "must validate at least one schema (anyOf)",
    "Not": "must not validate the schema (not)",
}


class _Checks:
    """What is compiled of one kind's schema."""

    def __init__(self, schema: JsonSchema) -> None:
        self.values = _compiled(_value_schema(schema, root=True))
        self.lists = _with_list_types(schema)
        self.rules = Rules(schema)


_checks: WeakKeyDictionary[Kind, _Checks] = WeakKeyDictionary()


def validate_custom(kind: Kind, obj: Object, old: Object | None = None) -> Iterator[Cause]:
    """Check a custom object, pruned and defaulted, beyond its metadata."""
    checks = _checks.get(kind)
    if checks is None:
        schema = schema_of_version(kind.custom, kind.resource.version) if kind.custom else {}
        checks = _checks[kind] = _Checks(schema)
    found, blocked = False, False
    if not checks.values.is_valid(obj):
        for error in checks.values.iter_errors(obj):
            for cause in _causes(error):
                found, blocked = True, blocked or cause.reason in _BLOCKING
                yield cause
    if checks.lists is not None:
        for cause in _validate_lists(checks.lists, obj, ""):
            found = True
            yield cause
    if not found:
        yield from checks.rules.validate(obj, old)
    elif blocked and checks.rules:
        yield _UNCHECKED


def schema_problem(schema: JsonSchema) -> str:
    """Return why values could not be checked against a structural schema; empty if they can."""
    try:
        _compiled(_value_schema(schema, root=True))
    except ValueError as error:
        return str(error).partition("\n")[0]
    return ""


def obeys(schema: JsonSchema, value: Any) -> bool:
    """Tell whether a value fits a structural schema, its CEL rules apart.

    Raises
    ------
    ValueError
        If the schema itself is not one; see `schema_problem`.
    """
    return _compiled(_value_schema(schema)).is_valid(value)


def _compiled(schema: JsonSchema) -> Draft4Validator:
    """Compile with regular expressions as Go has them: no look-around, linear time."""
    return Draft4Validator(schema, validate_formats=True, pattern_options=RegexOptions())


def _value_schema(schema: JsonSchema, *, root: bool = False) -> JsonSchema:
    """Return the schema without Kubernetes' extensions, which are spelled out instead."""
    result: JsonSchema = {key: schema[key] for key in _VALUE_KEYWORDS if key in schema}
    result.update(_type_of(schema))
    properties = {name: _value_schema(child) for name, child in (schema.get("properties") or {}).items()}
    if root:
        properties.pop("metadata", None)
    if properties:
        result["properties"] = properties
    for key in ("items", "additionalProperties", "not"):
        if isinstance(schema.get(key), dict):
            result[key] = _value_schema(schema[key])
    for key in ("allOf", "anyOf", "oneOf"):
        if schema.get(key):
            result[key] = [_value_schema(part) for part in schema[key]]
    return result


def _type_of(schema: JsonSchema) -> JsonSchema:
    result: JsonSchema = {}
    if schema.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    elif schema.get("type"):
        result["type"] = schema["type"]
    if schema.get("nullable") and "type" in result:
        types = result["type"] if isinstance(result["type"], list) else [result["type"]]
        result["type"] = [*types, "null"]
        if "enum" in schema:
            result["enum"] = [*schema["enum"], None]
    if schema.get("x-kubernetes-embedded-resource"):
        result["required"] = [*(schema.get("required") or ()), "apiVersion", "kind"]
    return result


def _causes(error: ValidationError) -> list[Cause]:
    """Return the causes that kube-openapi gives for one error of the validator."""
    parts, value, kind = list(error.instance_path), error.instance, error.kind
    path = field_path(parts) or "<nil>"
    name = type(kind).__name__.rsplit("_", 1)[-1]
    if name == "Required":
        return [required(field_path([*parts, str(getattr(kind, "property", ""))]))]
    if name == "Enum":
        options = getattr(kind, "options", [])
        return [
            not_supported(
                path,
                value,
                [
                    option if isinstance(option, str) else shown(option)
                    for option in options
                    if option is not None
                ],
            )
        ]
    if name == "Type":
        wanted = [type_ for type_ in _types(kind) if type_ != "null"]
        return [_wrong_type(path, value, ",".join(wanted))]
    if name == "Format":
        detail = f"{path} in body must be of type {getattr(kind, 'format', '')}: {shown(value)}"
        return [wrong_type(path, value, detail)]
    if name in _LOGIC:
        return [invalid(path, value, f'"{field_path(parts)}" {_LOGIC[name]}')]
    return [_limit(name, path, value, getattr(kind, "limit", None), kind)]


def _types(kind: Any) -> list[str]:
    types = getattr(kind, "types", [])
    return [str(type_) for type_ in ([types] if isinstance(types, str) else types)]


def _wrong_type(path: str, value: Any, wanted: str) -> Cause:
    found, field = json_type(value), path.removeprefix("status.")
    return wrong_type(path, found, f'{field} in body must be of type {wanted}: "{found}"')


def json_type(value: Any) -> str:
    """Return a value's JSON type as OpenAPI names it."""
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", dict: "object", list: "array"}
    return names.get(type(value), "null")


def _limit(name: str, path: str, value: Any, limit: Any, kind: Any) -> Cause:
    match name:
        case "MaxLength":
            return too_long(path, limit)
        case "MaxItems":
            return too_many(path, len(value), limit)
        case "MaxProperties":
            return too_many(path, len(value), limit)
        case "MinItems":
            return invalid(path, len(value), f"{path} in body should have at least {limit} items")
        case "MinProperties":
            return invalid(path, len(value), f"{path} in body should have at least {limit} properties")
    sentences = {
        "MinLength": f"should be at least {limit} chars long",
        "Minimum": f"should be greater than or equal to {limit}",
        "Maximum": f"should be less than or equal to {limit}",
        "ExclusiveMinimum": f"should be greater than {limit}",
        "ExclusiveMaximum": f"should be less than {limit}",
        "MultipleOf": f"should be a multiple of {getattr(kind, 'multiple_of', limit)}",
        "Pattern": f"should match '{getattr(kind, 'pattern', '')}'",
    }
    return invalid(path, value, f"{path} in body {sentences.get(name, 'is not valid')}")


def _with_list_types(schema: JsonSchema) -> JsonSchema | None:
    """Return the part of a schema under which lists are sets or maps; None if none is."""
    kept: JsonSchema = {}
    if schema.get("x-kubernetes-list-type") in {"set", "map"}:
        kept["keys"] = list(schema.get("x-kubernetes-list-map-keys") or ())
    children = {name: _with_list_types(child) for name, child in (schema.get("properties") or {}).items()}
    children = {name: child for name, child in children.items() if child is not None}
    if children:
        kept["properties"] = children
    for key in ("items", "additionalProperties"):
        child = _with_list_types(schema[key]) if isinstance(schema.get(key), dict) else None
        if child is not None:
            kept[key] = child
    return kept or None


def _validate_lists(schema: JsonSchema, value: Any, path: str) -> Iterator[Cause]:
    if isinstance(value, dict):
        known = schema.get("properties") or {}
        for name, item in value.items():
            child = known.get(name) or schema.get("additionalProperties")
            if child is not None:
                yield from _validate_lists(child, item, field_path([name], path))
    elif isinstance(value, list):
        if "keys" in schema:
            yield from _validate_unique(value, schema["keys"], path)
        if "items" in schema:
            for i, item in enumerate(value):
                yield from _validate_lists(schema["items"], item, f"{path}[{i}]")


def _validate_unique(items: list[Any], keys: list[str], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for i, item in enumerate(items):
        if keys:
            identity: Any = {key: item.get(key) for key in keys if isinstance(item, dict) and key in item}
        else:
            identity = item
        text = shown(identity)
        if text in seen:
            yield duplicate(f"{path}[{i}]", identity)
        seen.add(text)
