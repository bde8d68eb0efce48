"""Structural schemas of custom kinds: defaulting.

Upstream: apiextensions-apiserver's ``pkg/apiserver/schema/defaulting``.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from weakref import WeakKeyDictionary

from kubelab.client import Object
from kubelab.engine.apiserver.crds import schema_of_version
from kubelab.engine.apiserver.definitions import JsonSchema
from kubelab.engine.apiserver.kinds import Kind

_with_defaults: WeakKeyDictionary[Kind, JsonSchema] = WeakKeyDictionary()


def default_custom(kind: Kind, obj: Object) -> None:
    """Fill in the defaults of a custom kind's schema, in place.

    A null where the schema allows none, but has a default, counts as absent.
    """
    if kind not in _with_defaults:
        schema = schema_of_version(kind.custom, kind.resource.version) if kind.custom else {}
        _with_defaults[kind] = _only_defaults(schema) or {}
    _default(_with_defaults[kind], obj)


def _only_defaults(schema: JsonSchema) -> JsonSchema | None:
    """Return the part of a schema under which something has a default; None if nothing has."""
    kept: JsonSchema = {key: schema[key] for key in ("default", "nullable") if key in schema}
    children = {name: _only_defaults(child) for name, child in (schema.get("properties") or {}).items()}
    children = {name: child for name, child in children.items() if child is not None}
    if children:
        kept["properties"] = children
    for key in ("items", "additionalProperties"):
        child = _only_defaults(schema[key]) if isinstance(schema.get(key), dict) else None
        if child is not None:
            kept[key] = child
    return kept if kept.keys() - {"nullable"} else None


def _default(schema: JsonSchema, value: Any) -> None:
    if isinstance(value, dict):
        for name, child in (schema.get("properties") or {}).items():
            if "default" in child and (name not in value or _droppable_null(child, value[name])):
                value[name] = deepcopy(child["default"])
            if name in value:
                _default(child, value[name])
        rest = schema.get("additionalProperties")
        if rest is not None:
            for name, item in value.items():
                if name not in (schema.get("properties") or {}):
                    _default(rest, item)
    elif isinstance(value, list) and "items" in schema:
        for item in value:
            _default(schema["items"], item)


def _droppable_null(schema: JsonSchema, value: Any) -> bool:
    return value is None and not schema.get("nullable")
