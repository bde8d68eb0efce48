"""What a run's pods cost so far, in core hours, GiB hours and dollars: what they asked for, times how long.

Pods come and go, and only those that there are can be looked at. So each one's amount is kept with the run,
and the last amount of one that is gone still counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace

MOST_PODS = 100
"""Of as many pods an amount is kept each; a tag of MLflow holds no more (8000 characters)."""
_GONE = ""


@dataclass(frozen=True, slots=True)
class Amount:
    """What pods had.

    Parameters
    ----------
    cpu_core_hours, memory_gib_hours : float
        Requests times duration.
    usd : float
        What that cost, where the node has a price.
    """

    cpu_core_hours: float = 0.0
    memory_gib_hours: float = 0.0
    usd: float = 0.0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.cpu_core_hours + other.cpu_core_hours,
            self.memory_gib_hours + other.memory_gib_hours,
            self.usd + other.usd,
        )


def total(amounts: Mapping[str, Amount]) -> Amount:
    """Return the sum."""
    return sum(amounts.values(), Amount())


def merged(kept: Mapping[str, Amount], seen: Mapping[str, Amount]) -> dict[str, Amount]:
    """Return the amounts of all pods, rounded: those seen now, and those that are gone as they were last.

    Beyond `MOST_PODS` those that are gone are added up. A pod whose node is gone costs what it did last.
    """
    seen = {pod: _never_less(amount, kept.get(pod)) for pod, amount in seen.items()}
    gone = {pod: amount for pod, amount in kept.items() if pod not in seen}
    if len(gone) + len(seen) > MOST_PODS:
        gone = {_GONE: total(gone)} if gone else {}
    return {pod: _rounded(amount) for pod, amount in {**gone, **seen}.items()}


def dump(amounts: Mapping[str, Amount]) -> str:
    """Return amounts as the text of a tag; empty where there are too many for one."""
    if len(amounts) > MOST_PODS + 1:
        return ""
    parts = {pod: astuple(amount) for pod, amount in amounts.items()}
    return json.dumps(parts, separators=(",", ":"))


def load(text: str) -> dict[str, Amount]:
    """Return the amounts that a tag holds; none where it holds something else."""
    try:
        return {pod: Amount(*map(float, parts)) for pod, parts in json.loads(text or "{}").items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _never_less(amount: Amount, before: Amount | None) -> Amount:
    return replace(amount, usd=max(amount.usd, before.usd)) if before else amount


def _rounded(amount: Amount) -> Amount:
    return Amount(*(float(f"{hours:.5g}") for hours in astuple(amount)))
