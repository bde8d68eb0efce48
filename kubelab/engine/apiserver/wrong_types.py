"""Types as Go's JSON decoder checks them, for the messages of a body that does not fit.

Upstream: ``sigs.k8s.io/json`` and the ``UnmarshalJSON`` of quantities, times and int-or-strings.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import orjson

from kubelab.engine.apiserver.definitions import short_name
from kubelab.engine.apiserver.schemas import Schema, definition_schema

SCHEMA = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
SCHEMA_OR = {f"{SCHEMA}Or{other}": kind for other, kind in (("Array", "array"), ("Bool", "boolean"))}
"""Types of ``items`` and ``additionalProperties``: a schema, or something of another type."""

INT_LIMITS = {"int32": 2**31, "int64": 2**63}
QUANTITY = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"
TIME = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$"
BYTES = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_GO_TYPES = {"string": "string", "integer": "int64", "number": "float64", "boolean": "bool"}
_NOT_A_QUANTITY = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)

_bytes = re.compile(BYTES).match
_quantity = re.compile(QUANTITY).match
_time = re.compile(TIME).match


class WrongTypeError(ValueError):
    """A value that Go could not decode into its field; the message is Go's."""


def check_types(schema: Schema | None, value: Any, path: str, field: str) -> None:
    """Raise `WrongTypeError` for the first value that is not of its type.

    Go names the struct and the path of field names from the root, without indices.
    """
    if schema is not None and isinstance(value, dict) and schema.definition_name in SCHEMA_OR:
        schema = definition_schema(SCHEMA)
    if schema is None or schema.free_form or value is None:
        return
    problem = _mismatch(schema, value)
    if problem is not None:
        raise WrongTypeError(problem.replace("@", field))
    if isinstance(value, list):
        for item in value:
            check_types(schema.items, item, path, field)
    elif isinstance(value, dict):
        for key, child in value.items():
            if key in schema.properties:
                child_path = f"{path}.{key}" if path else key
                check_types(
                    schema.child(key), child, child_path, f"{short_name(schema.definition_name)}.{child_path}"
                )
            else:
                check_types(schema.values, child, path, field)


def _mismatch(schema: Schema, value: Any) -> str | None:
    if schema.format == "quantity":
        return _bad_quantity(value)
    if schema.format == "int-or-string":
        ok = isinstance(value, (str, int)) and not isinstance(value, bool)
        return (
            None if ok else f"json: cannot unmarshal {_json_kind(value)} into Go struct field @ of type int32"
        )
    if not _is_a(schema.type, value):
        return f"json: cannot unmarshal {_json_kind(value)} into Go struct field @ of type {_go_type(schema)}"
    if schema.type == "integer" and not _in_range(schema.format, value):
        return f"json: cannot unmarshal number {value} into Go struct field @ of type {_go_type(schema)}"
    if schema.format in {"date-time", "micro-time"}:
        return _bad_time(value)
    return _bad_bytes(value) if schema.format == "byte" else None


def _is_a(type_: str, value: Any) -> bool:
    if type_ == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if type_ == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    python = {"object": dict, "array": list, "string": str, "boolean": bool}.get(type_)
    return python is None or isinstance(value, python)


def _in_range(form: str, value: int) -> bool:
    limit = INT_LIMITS.get(form, INT_LIMITS["int64"])
    return -limit <= value < limit


def _json_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, float):
        return f"number {orjson.dumps(value).decode()}"
    return {int: "number", str: "string", dict: "object", list: "array"}[type(value)]


def _go_type(schema: Schema) -> str:
    if schema.type == "array" and schema.items is not None:
        return f"[]{_go_type(schema.items)}"
    if schema.type == "object" and schema.values is not None:
        return f"map[string]{_go_type(schema.values)}"
    if schema.definition_name:
        parts = schema.definition_name.rsplit(".", 2)
        return f"{parts[1]}.{parts[2]}" if schema.type == "object" else "string"
    if schema.format == "byte":
        return "[]uint8"
    if schema.format in INT_LIMITS and schema.type == "integer":
        return schema.format
    return _GO_TYPES.get(schema.type, schema.type)


def _bad_quantity(value: Any) -> str | None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number or (isinstance(value, str) and _quantity(value)):
        return None
    if not isinstance(value, str):
        return _NOT_A_QUANTITY
    if re.match(r"^[+-]?[0-9.]+([eEinumkKMGTP]*[-+]?[0-9]*)$", value):
        return "unable to parse quantity's suffix"
    return _NOT_A_QUANTITY


def _bad_time(value: str) -> str | None:
    if _time(value):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return f'parsing time "{value}": day out of range'
        return None
    return f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse "{value}" as "2006"'


def _bad_bytes(text: str) -> str | None:
    """Return what Go's base64 decoder says, which ignores line ends and names the first bad byte."""
    plain = text.replace("\r", "").replace("\n", "")
    if _bytes(plain):
        return None
    strange = re.search(r"[^A-Za-z0-9+/]", text)
    at = strange.start() if strange else len(plain) // 4 * 4
    return f"illegal base64 data at input byte {at}"
