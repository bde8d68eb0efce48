"""Meter readings: what is kept in the API of nodes and pods that are gone, so that they still count.

A reading holds rows, packed: JSON, compressed, in base64. What was noted twice, or in pieces that overlap,
counts once.
"""

from __future__ import annotations

import base64
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from itertools import chain
from typing import Any, TypeVar

import orjson

from kubelab.client import METER_READINGS, Object
from kubelab.clock import parse_rfc3339, rfc3339
from kubelab.costs.excess import Excess
from kubelab.costs.intervals import NodeInterval, PodInterval
from kubelab.costs.prices import Price
from kubelab.costs.rates import Resources
from kubelab.owners import Owner

RUNNING = "running"
"""The name of the reading that tells of pods that run; it is written anew all the time."""

Span = TypeVar("Span", NodeInterval, PodInterval)


@dataclass(frozen=True, slots=True)
class Rows:
    """What a meter noted.

    Attributes
    ----------
    nodes, pods : tuple
        Those that are gone, or are not any more what they were.
    excess : tuple of Excess
        What pods that run have used beyond what they asked for.
    """

    nodes: tuple[NodeInterval, ...] = ()
    pods: tuple[PodInterval, ...] = ()
    excess: tuple[Excess, ...] = ()

    @staticmethod
    def together(parts: Iterable[Rows]) -> Rows:
        """Return the rows of all."""
        parts = list(parts)
        return Rows(
            tuple(chain.from_iterable(each.nodes for each in parts)),
            tuple(chain.from_iterable(each.pods for each in parts)),
            tuple(chain.from_iterable(each.excess for each in parts)),
        )


def reading_object(name: str, rows: Rows, now: datetime) -> Object:
    """Return the MeterReading of some rows.

    Parameters
    ----------
    now : datetime
        What time it is, for rows that have none of their own.
    """
    spans: tuple[NodeInterval | PodInterval, ...] = (*rows.nodes, *rows.pods)
    return {
        "apiVersion": METER_READINGS.api_version,
        "kind": METER_READINGS.kind,
        "metadata": {"name": name},
        "spec": {
            "from": rfc3339(min((each.start for each in spans), default=now)),
            "to": rfc3339(max((each.end for each in spans), default=now)),
            "nodes": len(rows.nodes),
            "pods": len(rows.pods),
            "rows": base64.b64encode(zlib.compress(orjson.dumps(asdict(rows)))).decode(),
        },
    }


def rows_of(reading: Object) -> Rows:
    """Return the rows of a MeterReading."""
    content = orjson.loads(zlib.decompress(base64.b64decode(reading["spec"]["rows"])))
    return Rows(
        tuple(map(_node, content["nodes"])),
        tuple(map(_pod, content["pods"])),
        tuple(map(_excess, content["excess"])),
    )


def size_of(reading: Object) -> int:
    """Return how many rows a MeterReading has."""
    return int(reading["spec"]["nodes"]) + int(reading["spec"]["pods"])


def without_overlap(spans: Sequence[Span]) -> list[Span]:
    """Return spans such that no moment of a node or pod is in two of them.

    Each piece begins with the life that it is of, and the pieces of a life follow each other by their ends.
    """
    pieces: dict[str, list[Span]] = defaultdict(list)
    for each in spans:
        pieces[each.uid].append(each)
    kept: list[Span] = []
    for group in pieces.values():
        latest: datetime | None = None
        for each in sorted(group, key=lambda piece: piece.end):
            start = max(each.start, latest) if latest else each.start
            if start < each.end or latest is None:
                kept.append(each if start == each.start else replace(each, start=start))
            latest = each.end
    return kept


def _node(row: dict[str, Any]) -> NodeInterval:
    price = row["price"]
    dated = (
        Price(price["usd_per_hour"], date.fromisoformat(price["date"]), price["source"]) if price else None
    )
    return NodeInterval(**{**row, **_common(row, "capacity"), "price": dated})


def _pod(row: dict[str, Any]) -> PodInterval:
    """Read a pod; readings of before 2026-11-27 do not tell what it asked for and used."""
    used = row.get("used")
    known = {
        "owner": Owner(**row["owner"]),
        "asked": Resources(**(row.get("asked") or row["held"])),
        "used": Resources(**used) if used else None,
    }
    return PodInterval(**{**row, **_common(row, "held"), **known})


def _excess(row: dict[str, Any]) -> Excess:
    return Excess(row["uid"], row["samples"], Resources(**row["total"]), Resources(**row.get("used") or {}))


def _common(row: dict[str, Any], resources: str) -> dict[str, Any]:
    start, end = parse_rfc3339(row["start"]), parse_rfc3339(row["end"])
    return {"start": start, "end": end, resources: Resources(**row[resources])}
