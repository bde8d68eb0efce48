"""Objects by their structure, for server-side apply: which fields they set, and whether they fit.

The rules are those of structured-merge-diff's ``typed`` package (v6): atomic values count as one field, keyed
lists and sets merge item by item, what no schema describes has granular maps and atomic lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubelab.client import Object
from kubelab.engine.apiserver.fieldsets import (
    FieldSet,
    Path,
    describe,
    key_element,
    name_element,
    value_element,
)
from kubelab.engine.apiserver.schemas import Schema
from kubelab.errors import KubelabError

# Defaults of list keys; the published definitions leave them out.
_KEY_DEFAULTS = {"protocol": "TCP"}
_GO_ZEROS = {"string": "", "integer": 0}
"""What a key that a built-in kind's item leaves out is in Go."""


class StructureError(KubelabError):
    """An object does not have the structure of its kind; the message lists every place."""


def field_set(value: Object, schema: Schema | None) -> FieldSet:
    """Return the fields that an object sets."""
    paths: set[Path] = set()
    _collect(value, schema, (), paths)
    return frozenset(paths)


def check(value: Object, schema: Schema | None) -> None:
    """Check that an object can be merged.

    Raises
    ------
    StructureError
        For fields that the schema does not have, items without their keys, and items that occur twice.
    """
    problems = list(_problems(value, schema, ()))
    if problems:
        raise StructureError(problems[0] if len(problems) == 1 else _listed(problems))


def with_named_parents(paths: FieldSet, schema: Schema | None) -> FieldSet:
    """Add to a set the declared fields that its paths lead through."""
    schemas: dict[Path, Schema | None] = {(): schema}
    result = set(paths)
    for path in paths:
        for end in range(1, len(path)):
            prefix = path[:end]
            if prefix not in schemas:
                schemas[prefix] = schema_below(schemas[prefix[:-1]], prefix[-1])
            if _declared(schemas[prefix[:-1]], prefix[-1]):
                result.add(prefix)
    return frozenset(result)


def is_granular(value: Any, schema: Schema | None) -> bool:
    """Whether a value's fields or items are managed one by one."""
    if isinstance(value, dict):
        return schema is None or schema.map_type != "atomic"
    return isinstance(value, list) and schema is not None and schema.list_type in ("map", "set")


def child_schema(schema: Schema | None, name: str) -> Schema | None:
    """Return the structure of a field; None if nothing is known about it."""
    found = schema.child(name) if schema is not None else None
    return None if found is None or found.free_form else found


def item_schema(schema: Schema | None) -> Schema | None:
    """Return the structure of a list's items; None if nothing is known about them."""
    found = schema.items if schema is not None else None
    return None if found is None or found.free_form else found


def schema_below(schema: Schema | None, element: str) -> Schema | None:
    """Return the structure of what a path element leads to."""
    if element.startswith("f:"):
        return child_schema(schema, element[2:])
    return item_schema(schema)


def _declared(schema: Schema | None, element: str) -> bool:
    return schema is not None and element.startswith("f:") and element[2:] in schema.properties


def parts(value: Any, schema: Schema | None) -> Iterator[tuple[str, Any, Schema | None]]:
    """Yield the path element, value and structure of each field or item of a granular value."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield name_element(key), child, child_schema(schema, key)
    elif schema is not None:
        for item in value:
            yield item_element(item, schema), item, item_schema(schema)


def item_element(item: Any, schema: Schema) -> str:
    """Return the path element of a list's item."""
    if schema.list_type == "set":
        return value_element(item)
    return key_element({key: _key_value(item, key, schema) for key in schema.map_keys})


def _key_value(item: Any, key: str, schema: Schema) -> Any:
    value = item.get(key) if isinstance(item, dict) else None
    if value is not None:
        return value
    declared = schema.items.child(key) if schema.items is not None else None
    if declared is not None and "default" in declared.raw:
        return declared.raw["default"]
    if declared is not None and schema.items is not None and schema.items.definition_name:
        return _KEY_DEFAULTS.get(key, _GO_ZEROS.get(declared.type))
    return _KEY_DEFAULTS.get(key)


def _collect(value: Any, schema: Schema | None, path: Path, paths: set[Path]) -> None:
    if not is_granular(value, schema):
        paths.add(path)
        return
    for element, child, structure in parts(value, schema):
        below = (*path, element)
        _collect(child, structure, below, paths)
        if isinstance(value, list) or child == {} or not _declared(schema, element):
            paths.add(below)


def _problems(value: Any, schema: Schema | None, path: Path) -> Iterator[str]:
    if not is_granular(value, schema):
        return
    if isinstance(value, list) and schema is not None:
        yield from _list_problems(value, schema, path)
    for element, child, structure in parts(value, schema):
        if isinstance(value, dict) and schema is not None and _unknown(schema, element[2:]):
            yield f"{describe((*path, element))}: field not declared in schema"
            return  # upstream leaves the rest of the object unread
        yield from _problems(child, structure, (*path, element))


def _unknown(schema: Schema, name: str) -> bool:
    open_ended = (
        schema.free_form or schema.preserves_unknown or schema.raw.get("additionalProperties") is True
    )
    return not open_ended and schema.child(name) is None


def _list_problems(items: list[Any], schema: Schema, path: Path) -> Iterator[str]:
    seen: set[str] = set()
    for place, item in enumerate(items):
        missing = [key for key in schema.map_keys if _key_value(item, key, schema) is None]
        if schema.list_type == "map" and missing:
            omitted = f'key field "{missing[0]}" (and doesn\'t have default value)'
            if len(missing) == len(schema.map_keys):
                keys = ", ".join(f'"{key}"' for key in missing)
                omitted = f"all key fields [{keys}] (and doesn't have default values for any key fields)"
            told = f"associative list with keys has an element that omits {omitted}"
            yield f"{describe(path)}: element {place}: {told}"
            continue
        element = item_element(item, schema)
        if element in seen:
            yield f"{describe(path)}: duplicate entries for key {describe((element,))}"
        seen.add(element)


def _listed(problems: list[str]) -> str:
    return "errors:\n" + "\n".join(f"  {problem}" for problem in problems)
