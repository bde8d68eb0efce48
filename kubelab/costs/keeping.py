"""Which readings are put together, and which are too old to be kept: a pure decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.costs.readings import RUNNING, size_of

FEW_ROWS = 1000
"""A reading with fewer is small."""

MOST_SMALL = 64
"""So many small readings are put together."""

MOST_READINGS = 200
"""Beyond it the oldest go: at least 136,000 nodes and pods come and go before that happens."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with readings: make one of some, and delete some."""

    together: tuple[Object, ...] = ()
    too_old: tuple[Object, ...] = ()


def plan(readings: Sequence[Object]) -> Plan:
    """Return what to do, the oldest readings first."""
    kept = [each for each in readings if each["metadata"]["name"] != RUNNING]
    ordered = sorted(kept, key=lambda each: (each["spec"]["to"], each["metadata"]["name"]))
    small = [each for each in ordered if size_of(each) < FEW_ROWS]
    together: list[Object] = []
    if len(small) >= MOST_SMALL:
        rows = 0
        for each in small:
            together.append(each)
            rows += size_of(each)
            if rows >= FEW_ROWS:
                break
    return Plan(tuple(together), tuple(ordered[: max(0, len(ordered) - MOST_READINGS)]))


def known_since(readings: Sequence[Object]) -> datetime | None:
    """Return from when on all is known, where older readings may have gone; None if all ever is."""
    if len(readings) < MOST_READINGS:
        return None
    return parse_rfc3339(min(each["spec"]["to"] for each in readings))
