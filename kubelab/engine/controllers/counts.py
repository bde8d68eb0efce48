"""Counts that a spec gives as a number or as a percentage of all."""

from __future__ import annotations

import math


def scaled(value: int | str | None, total: int, *, round_up: bool) -> int:
    """Return a count of ``total`` (``GetScaledValueFromIntOrPercent``): ``2``, or ``"25%"`` of it."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    exact = int(value.removesuffix("%")) * total / 100
    return math.ceil(exact) if round_up else math.floor(exact)


def shown(**counts: int | None) -> dict[str, int]:
    """Return the counts that a status shows: Go leaves out the zeros."""
    return {name: count for name, count in counts.items() if count}
