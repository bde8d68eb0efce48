"""Merging, comparing and cutting objects by their structure, for server-side apply.

Atomic values are taken whole, keyed lists and sets item by item; the rules are those of
structured-merge-diff's ``typed`` package (v6).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kubelab.engine.apiserver.fieldsets import Path, Tree
from kubelab.engine.apiserver.schemas import Schema
from kubelab.engine.apiserver.typed import (
    child_schema,
    is_granular,
    item_element,
    item_schema,
    parts,
    schema_below,
)

ABSENT: Any = object()
"""No value at all, as opposed to null."""


@dataclass(slots=True)
class Comparison:
    """What differs between two objects."""

    added: set[Path] = field(default_factory=set)
    modified: set[Path] = field(default_factory=set)
    removed: set[Path] = field(default_factory=set)


def merge(live: Any, applied: Any, schema: Schema | None) -> Any:
    """Return the live value with what an applied one sets; neither is changed."""
    if applied is ABSENT or (applied is None and is_granular(live, schema) and live):
        return live
    if live is ABSENT or not (is_granular(live, schema) and is_granular(applied, schema)):
        return applied
    if isinstance(live, dict) and isinstance(applied, dict):
        result = dict(live)
        for key, value in applied.items():
            result[key] = merge(live.get(key, ABSENT), value, child_schema(schema, key))
        return result
    if schema is not None and isinstance(live, list) and isinstance(applied, list):
        return _merge_lists(live, applied, schema)
    return applied


def compare(old: Any, new: Any, schema: Schema | None) -> Comparison:
    """Return which fields were added, modified and removed between two objects."""
    result = Comparison()
    _compare(old, new, schema, (), result)
    return result


def without(value: Any, remove: Tree, schema: Schema | None) -> Any:
    """Return a value without the given fields; `ABSENT` if nothing is left of it."""
    if not remove.children:
        return value
    if not is_granular(value, schema):
        return ABSENT if isinstance(value, dict | list) else value
    kept = list(_kept(value, remove, schema))
    if not kept:
        return ABSENT
    return dict(kept) if isinstance(value, dict) else [item for _, item in kept]


def _merge_lists(live: list[Any], applied: list[Any], schema: Schema) -> list[Any]:
    """Merge two lists by their items' keys: shared items go by the applied order, the rest stay near."""
    mine = [item_element(item, schema) for item in live]
    theirs = {item_element(item, schema): item for item in applied}
    ours = {name: item for name, item in zip(mine, live, strict=True) if mine.count(name) == 1}
    pending = list(theirs)
    shared = [name for name in theirs if name in mine]
    merged: dict[str, None] = {}
    result: list[Any] = []
    left = 0
    while left < len(mine) or pending:
        name = mine[left] if left < len(mine) else None
        if name is not None and name not in theirs:
            result.append(live[left])
            left += 1
            continue
        if name is not None and pending and name != pending[0] and shared and shared[0] != name:
            left += 1  # its turn comes in the applied order
            continue
        if name is not None and (name in merged or name == pending[0]):
            left += 1
        if pending:
            name = pending.pop(0)
            merged[name] = None
            shared = shared[1:] if shared[:1] == [name] else shared
            result.append(merge(ours.get(name, ABSENT), theirs[name], item_schema(schema)))
    return result


def _compare(old: Any, new: Any, schema: Schema | None, path: Path, result: Comparison) -> None:
    old_parts, new_parts = _named_parts(old, schema), _named_parts(new, schema)
    if not old_parts and not new_parts:
        _compare_leaf(old, new, path, result)
        return
    for element in old_parts | new_parts:
        before, after = old_parts.get(element, ABSENT), new_parts.get(element, ABSENT)
        _compare(before, after, schema_below(schema, element), (*path, element), result)
    if old is ABSENT:
        # A declared object counts by its fields alone, as it does upstream where Go has no pointer to it.
        if not (path[-1].startswith("f:") and schema is not None and schema.properties):
            result.added.add(path)
    elif new is ABSENT:
        result.removed.add(path)
    elif bool(old_parts) != bool(new_parts) and not (_hollow(old) or _hollow(new)):
        result.modified.add(path)


def _hollow(value: Any) -> bool:
    return value is ABSENT or value is None or value in ({}, [])


def _named_parts(value: Any, schema: Schema | None) -> dict[str, Any]:
    if value is ABSENT or not is_granular(value, schema):
        return {}
    return {element: child for element, child, _ in parts(value, schema)}


def _compare_leaf(old: Any, new: Any, path: Path, result: Comparison) -> None:
    if old is ABSENT:
        result.added.add(path)
    elif new is ABSENT:
        result.removed.add(path)
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        result.modified.add(path)


def _kept(value: Any, remove: Tree, schema: Schema | None) -> Iterator[tuple[str, Any]]:
    for element, child, below in parts(value, schema):
        node = remove.children.get(element)
        if node is None:
            yield element[2:], child
        elif not node.member:
            rest = without(child, node, below)
            yield element[2:], None if rest is ABSENT else rest  # a null, as upstream leaves it
