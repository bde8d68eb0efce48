"""Reads what ``kubectl get pods,nodes --all-namespaces -o json`` wrote, and says exactly what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubelab.client import Object
from kubelab.errors import KubelabError
from kubelab.quantities import QuantityError, parse_quantity

COMMAND = "kubectl get pods,nodes --all-namespaces -o json"


class DumpError(KubelabError, ValueError):
    """A file is no dump of pods and nodes.

    Attributes
    ----------
    path : Path
    problem : str
        What is wrong with it.
    """

    def __init__(self, path: Path, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}. Write it with: {COMMAND}")


@dataclass(frozen=True, slots=True)
class Dump:
    """The objects of a dump, in its order."""

    pods: tuple[Object, ...]
    nodes: tuple[Object, ...]


def read(path: Path) -> Dump:
    """Read a dump.

    Raises
    ------
    DumpError
        The file is missing, is no JSON or no List, has no node or no pod; or an object in it lacks what it
        must have, or has an amount that is no quantity.
    """
    items = _items(path)
    found: dict[str, list[Object]] = {"Pod": [], "Node": []}
    for number, item in enumerate(items, 1):
        kind = item.get("kind") if isinstance(item, dict) else None
        if kind not in found:
            continue
        try:
            _check(item)
        except _OddError as error:
            raise DumpError(path, f"item {number}, a {kind}: {error}") from None
        found[kind].append(item)
    for kind, objects in found.items():
        if not objects:
            raise DumpError(path, f"none of its {len(items)} items is a {kind}")
    return Dump(tuple(found["Pod"]), tuple(found["Node"]))


class _OddError(Exception):
    """What is wrong with an object."""


def _items(path: Path) -> list[Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DumpError(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise DumpError(path, "it is not text") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise DumpError(path, f"it is not JSON: {error.msg} at {where}") from error
    items = read.get("items") if isinstance(read, dict) else None
    if not isinstance(items, list):
        kind = read.get("kind") if isinstance(read, dict) else type(read).__name__
        raise DumpError(path, f"it is a {kind} and not a List with items")
    return items


def _check(item: Object) -> None:
    meta, spec, status = (item.get(part, {}) for part in ("metadata", "spec", "status"))
    if not all(isinstance(part, dict) for part in (meta, spec, status)):
        raise _OddError("metadata, spec and status must be objects")
    name = meta.get("name")
    if not name or not isinstance(name, str):
        raise _OddError("it has no metadata.name")
    for where, amounts in _amounts(item):
        if not isinstance(amounts, dict):
            raise _OddError(f"{name}: {where} is no list of resources")
        for resource, amount in amounts.items():
            try:
                parse_quantity(amount)
            except QuantityError as error:
                raise _OddError(f"{name}: {where}.{resource}: {str(error).rstrip('.')}") from error


def _amounts(item: Object) -> Iterator[tuple[str, Any]]:
    """Yield the lists of resources of a Pod or Node, with where they are."""
    if item["kind"] == "Node":
        allocatable = item.get("status", {}).get("allocatable")
        if not allocatable:
            raise _OddError(f"{item['metadata']['name']} has no status.allocatable")
        yield "status.allocatable", allocatable
        return
    if not item.get("spec", {}).get("containers"):
        raise _OddError(f"{item['metadata']['name']} has no spec.containers")
    for part in ("initContainers", "containers"):
        for container in item["spec"].get(part) or ():
            if not isinstance(container, dict) or not container.get("name"):
                raise _OddError(f"{item['metadata']['name']}: one of its {part} has no name")
            resources = container.get("resources") or {}
            for list_name in ("requests", "limits"):
                yield f"{part} {container['name']}: {list_name}", resources.get(list_name) or {}
