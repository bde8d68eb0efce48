"""What Go's JSON decoder does upstream: refuse wrong types, notice unknown fields, drop them and nulls.

An object that fits its schema exactly is recognised in about a microsecond by a compiled validator; only the
others are walked.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from jsonschema_rs import Draft4Validator

from kubelab.client import Object
from kubelab.engine.apiserver.definitions import JsonSchema, definition
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.schemas import Schema, definition_schema, schema_of
from kubelab.engine.apiserver.wrong_types import (
    BYTES,
    INT_LIMITS,
    QUANTITY,
    SCHEMA,
    SCHEMA_OR,
    TIME,
    WrongTypeError,
    check_types,
)

_NULLABLE = frozenset({"lastProbeTime"})
"""Fields that Go always prints, with null for no time: every condition of a pod has one."""
_TEXT_PATTERNS = {"date-time": TIME, "micro-time": TIME, "byte": BYTES}


def wrong_type(kind: Kind, obj: Object) -> str:
    """Return why an object cannot be decoded, as the apiserver says it with a 400; empty if it can.

    Custom kinds are decoded whatever their types, apart from ``metadata``; their own schema speaks later.
    """
    if fits(kind, obj):
        return ""
    root = schema_of(kind)
    try:
        if kind.custom is None:
            check_types(root, obj, "", "")
        else:
            check_types(root.child("metadata"), obj.get("metadata"), "", "ObjectMeta")
    except WrongTypeError as error:
        return decoding_message(kind, str(error))
    return ""


def unknown_fields(kind: Kind, obj: Object) -> list[str]:
    """Return ``unknown field "spec.foo"`` for each field that the kind's schema does not have."""
    if fits(kind, obj):
        return []
    unknown: list[str] = []
    _walk(schema_of(kind), obj, unknown)
    return [f'unknown field "{path}"' for path in unknown]


def prune(kind: Kind, obj: Object) -> Object:
    """Return the object without unknown fields, and without nulls where a custom kind does not want them."""
    if fits(kind, obj):
        return obj
    result = _walk(schema_of(kind), obj, [], keep_nulls=kind.custom is not None)
    return result if isinstance(result, dict) else {}


def strict_decoding_message(kind: Kind, unknown: list[str]) -> str:
    """Return the apiserver's message for unknown fields under ``fieldValidation=Strict``."""
    return decoding_message(kind, "strict decoding error: " + ", ".join(unknown))


def decoding_message(kind: Kind, problem: str, version: str = "") -> str:
    """Return the apiserver's message for a body that it could not decode."""
    resource = kind.resource
    given = f'{resource.kind} in version "{version or resource.version}"'
    return f"{given} cannot be handled as a {resource.kind}: {problem}"


def wrong_type_in(name: str, obj: Object) -> str:
    """Return why an object cannot be decoded as a built-in type that is no kind; empty if it can."""
    if _validator_of(name).is_valid(obj):
        return ""
    try:
        check_types(definition_schema(name), obj, "", "")
    except WrongTypeError as error:
        return str(error)
    return ""


@cache
def _validator_of(name: str) -> Draft4Validator:
    return _compile({"$ref": name})


_validators: WeakKeyDictionary[Kind, Draft4Validator] = WeakKeyDictionary()


def fits(kind: Kind, obj: Object) -> bool:
    """Tell whether every field is known, of its type, and not null but where Go prints that itself."""
    validator = _validators.get(kind)
    if validator is None:
        _validators[kind] = validator = _compile(schema_of(kind).raw)
    return validator.is_valid(obj)


def _compile(raw: JsonSchema) -> Draft4Validator:
    needed: dict[str, JsonSchema] = {}
    root = _strict(raw, needed)
    return Draft4Validator({**root, "definitions": needed})


def _strict(raw: JsonSchema, needed: dict[str, JsonSchema]) -> JsonSchema:
    """Return a Draft 4 schema that allows what the raw schema names, and nothing else."""
    name = raw.get("$ref")
    if name is not None:
        if name not in needed:
            needed[name] = {}  # a type may contain itself
            needed[name] = _strict(definition(name), needed)
            if name in SCHEMA_OR:
                needed[name] = {"anyOf": [{"type": SCHEMA_OR[name]}, _strict({"$ref": SCHEMA}, needed)]}
        return {"$ref": f"#/definitions/{name}"}
    if raw.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "integer"]}
    result = _leaf(raw)
    if raw.get("x-kubernetes-embedded-resource"):
        raw = {**raw, "properties": Schema(raw).properties}
    if "properties" in raw:
        result["properties"] = {key: _strict(child, needed) for key, child in raw["properties"].items()}
        for key in _NULLABLE & result["properties"].keys():
            result["properties"][key] = {"anyOf": [result["properties"][key], {"type": "null"}]}
    if raw.get("type") == "object":
        values = raw.get("additionalProperties")
        unknown = bool(raw.get("x-kubernetes-preserve-unknown-fields"))
        result["additionalProperties"] = _strict(values, needed) if isinstance(values, dict) else unknown
    if isinstance(raw.get("items"), dict):
        result["items"] = _strict(raw["items"], needed)
    return result


def _leaf(raw: JsonSchema) -> JsonSchema:
    result: JsonSchema = {"type": raw["type"]} if raw.get("type") else {"not": {"type": "null"}}
    form = raw.get("format")
    if form in INT_LIMITS and raw.get("type") == "integer":
        result |= {"minimum": -INT_LIMITS[form], "maximum": INT_LIMITS[form] - 1}
    elif form == "quantity":
        result["pattern"] = QUANTITY
    elif form in _TEXT_PATTERNS and raw.get("type") == "string":
        result["pattern"] = _TEXT_PATTERNS[form]
    return result


def _walk(
    schema: Schema | None,
    value: Any,
    unknown: list[str],
    path: str = "",
    *,
    keep_nulls: bool = False,
) -> Any:
    """Return a value without what its schema does not know, the paths of which are added to ``unknown``."""
    if schema is None or schema.free_form:
        return value
    if isinstance(value, float) and schema.type == "integer" and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return _walk_object(schema, value, unknown, path, keep_nulls)
    if isinstance(value, list) and schema.items is not None:
        items = schema.items
        return [
            _zero(items)
            if item is None and not keep_nulls
            else _walk(items, item, unknown, f"{path}[{i}]", keep_nulls=keep_nulls)
            for i, item in enumerate(value)
        ]
    return value


def _walk_object(schema: Schema, value: Object, unknown: list[str], path: str, keep_nulls: bool) -> Object:
    result: Object = {}
    for key, child_value in value.items():
        child_path = f"{path}.{key}" if path else key
        child = schema.child(key)
        if child is None:
            if schema.preserves_unknown or schema.raw.get("additionalProperties") is True:
                result[key] = child_value
            else:
                unknown.append(child_path)
        elif child_value is not None or (child.raw.get("nullable") if keep_nulls else key in _NULLABLE):
            result[key] = _walk(child, child_value, unknown, child_path, keep_nulls=keep_nulls)
        elif schema.values is child:  # a null in a Go map, as in a list, is its zero value
            result[key] = _zero(child)
    return result


def _zero(schema: Schema) -> Any:
    if schema.format in {"quantity", "int-or-string"}:  # whose schemas allow several types
        return "0" if schema.format == "quantity" else 0
    return {"string": "", "integer": 0, "number": 0, "boolean": False, "array": []}.get(schema.type, {})
