"""Server-side tables: what ``kubectl get`` prints, as a ``meta.k8s.io/v1`` Table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from kubelab.client import Object
from kubelab.engine.apiserver import jsonpath
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.printers import DEFAULT, PRINTERS, Column, Printer
from kubelab.engine.apiserver.printers.columns import AGE, NAME, Cell, name_of, since

_AGE_COLUMN = {"name": AGE.name, "type": "date", "jsonPath": ".metadata.creationTimestamp"}
_ENDED = {
    "Succeeded": "The pod has completed successfully.",
    "Failed": "The pod failed.",
}
_custom: WeakKeyDictionary[Kind, Printer] = WeakKeyDictionary()


def table(kind: Kind, objects: Sequence[Object], now: datetime, include_object: str = "Metadata") -> Object:
    """Return objects of a kind as a Table.

    Parameters
    ----------
    kind : Kind
        The kind in the version of the objects.
    objects : sequence of dict
        The objects, one row each.
    now : datetime
        What ages are counted from.
    include_object : str
        What each row carries: ``Metadata``, the whole ``Object``, or ``None``.
    """
    printer = _printer(kind)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": [column.definition() for column in printer.columns],
        "rows": [_row(kind, obj, printer.cells(obj, now), include_object) for obj in objects],
    }


def _row(kind: Kind, obj: Object, cells: list[Cell], include_object: str) -> Object:
    row: Object = {"cells": cells}
    if kind.resource.kind == "Pod" and not kind.resource.group:
        phase = (obj.get("status") or {}).get("phase", "")
        if phase in _ENDED:
            done = {"type": "Completed", "status": "True", "reason": phase, "message": _ENDED[phase]}
            row["conditions"] = [done]
    if include_object == "Object":
        row["object"] = obj
    elif include_object != "None":
        row["object"] = {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": obj["metadata"],
        }
    return row


def _printer(kind: Kind) -> Printer:
    if kind.custom is None:
        return PRINTERS.get((kind.resource.group, kind.resource.kind), DEFAULT)
    if kind not in _custom:
        _custom[kind] = _custom_printer(kind)
    return _custom[kind]


def _custom_printer(kind: Kind) -> Printer:
    """Return the printer that a CRD's ``additionalPrinterColumns`` describe; the age, if there are none."""
    versions = (kind.custom or {})["spec"]["versions"]
    version = next(version for version in versions if version["name"] == kind.resource.version)
    given = version.get("additionalPrinterColumns") or [_AGE_COLUMN]
    columns = [
        Column(
            column["name"],
            column["type"],
            column.get("format") or "",
            column.get("priority") or 0,
            column.get("description")
            or f"Custom resource definition column (in JSONPath format): {column['jsonPath']}",
        )
        for column in given
    ]
    paths = [(column["jsonPath"], column["type"]) for column in given]
    return Printer((NAME, *columns), partial(_custom_cells, paths))


def _custom_cells(paths: list[tuple[str, str]], obj: Object, now: datetime) -> list[Cell]:
    cells: list[Cell] = [name_of(obj)]
    for path, type_ in paths:
        found = jsonpath.find(obj, path)
        cells.append(_custom_cell(found[0], type_, now) if found else None)
    return cells


def _custom_cell(value: Any, type: str, now: datetime) -> Cell:
    """Return a value as a cell of the column's type; null where it is of another type."""
    match type:
        case "string":
            return _as_text(value)
        case "date":
            return _as_age(value, now)
        case "boolean":
            return value if isinstance(value, bool) else None
        case "integer" | "number" if isinstance(value, int | float) and not isinstance(value, bool):
            return int(value) if type == "integer" else value
    return None


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _as_age(value: Any, now: datetime) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return since(value, now)
    except ValueError:
        return "<invalid>"
