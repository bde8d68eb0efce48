"""Sets of fields, as server-side apply keeps them for each manager, and their ``fieldsV1`` form.

A field is named by a path of elements, written as in ``fieldsV1``: ``f:replicas`` for a field,
``k:{"name":"web"}`` for an item of a keyed list, ``v:"a"`` for a member of a set. The forms are those of
structured-merge-diff's ``fieldpath`` package (v6, as in Kubernetes 1.37).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from kubelab.client import Object

Path = tuple[str, ...]
FieldSet = frozenset[Path]


@dataclass(slots=True)
class Tree:
    """A set of paths as a tree: whether the path to here is in the set, and what lies below."""

    member: bool = False
    children: dict[str, Tree] = field(default_factory=dict)


def tree(paths: Iterable[Path]) -> Tree:
    """Return the paths as a tree."""
    root = Tree()
    for path in paths:
        node = root
        for element in path:
            node = node.children.setdefault(element, Tree())
        node.member = True
    return root


def name_element(name: str) -> str:
    """Return the path element of an object's field."""
    return f"f:{name}"


def key_element(keys: Object) -> str:
    """Return the path element of an item of a keyed list, by the fields that identify it."""
    return "k:" + _json(keys)


def value_element(value: Any) -> str:
    """Return the path element of a member of a set."""
    return "v:" + _json(value)


def to_fields_v1(paths: FieldSet) -> Object:
    """Return the set as a ``fieldsV1`` document."""
    return _document(tree(paths))


def from_fields_v1(document: Any) -> FieldSet:
    """Return the set that a ``fieldsV1`` document describes.

    Raises
    ------
    ValueError
        If it is not one.
    """
    return frozenset(_paths(document, ()))


def describe(path: Path) -> str:
    """Return a path for people: ``.spec.containers[name="web"].image``."""
    return "".join(_describe(element) for element in path)


def _describe(element: str) -> str:
    form, _, text = element.partition(":")
    if form == "f":
        return f".{text}"
    if form == "k":
        return f"[{','.join(f'{key}={_json(value)}' for key, value in orjson.loads(text).items())}]"
    return f"[={text}]" if form == "v" else f"[{text}]"


def _document(node: Tree) -> Object:
    document: Object = {".": {}} if node.member and node.children else {}
    for element in sorted(node.children):
        document[element] = _document(node.children[element])
    return document


def _paths(document: Any, path: Path) -> Iterator[Path]:
    if not isinstance(document, dict):
        raise ValueError("a node of fieldsV1 is not an object")  # noqa: TRY004 - as any malformed text
    for element, below in document.items():
        form, _, text = element.partition(":")
        if element != "." and form not in ("f", "k", "v", "i"):
            raise ValueError(f"{element!r} is no element of fieldsV1")
        if form in ("k", "v"):
            keys = orjson.loads(text)
            if form == "k" and not isinstance(keys, dict):
                raise ValueError(f"{element!r} has no keys")
        if element == ".":
            yield path
        elif not below:
            yield (*path, element)
        else:
            yield from _paths(below, (*path, element))


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
