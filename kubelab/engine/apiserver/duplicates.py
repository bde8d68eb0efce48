"""Fields that a JSON body gives more than once: a decoder keeps the last, and ``fieldValidation`` tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


class _Repeated(dict[str, Any]):
    """An object that gives some of its fields again."""

    again: tuple[str, ...] = ()


def duplicate_fields(body: bytes) -> list[str]:
    """Return ``duplicate field "spec.foo"`` for each field given more than once in well-formed JSON."""
    return [f'duplicate field "{path}"' for path in _paths(json.loads(body, object_pairs_hook=_object), "")]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    repeated, names = _Repeated(plain), [name for name, _ in pairs]
    repeated.again = tuple(name for name in plain if names.count(name) > 1)
    return repeated


def _paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value, _Repeated):
            yield from (_below(path, name) for name in value.again)
        for name, child in value.items():
            yield from _paths(child, _below(path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, f"{path}[{index}]")


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
