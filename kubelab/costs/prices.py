"""What a node costs an hour, as expanders and meters ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from kubelab.client import Object

PRICE = "autoscaling.kubelab.dev/price-usd-per-hour"
"""The annotation of a Node that says what it costs, so that whoever sees the node can price it."""

PRICE_DATE = "autoscaling.kubelab.dev/price-date"
"""The annotation that says when that price held; one without the other counts for nothing."""

PRICE_SOURCE = "autoscaling.kubelab.dev/price-source"
"""The annotation that says whose figure it is."""


@dataclass(frozen=True, slots=True)
class Price:
    """A price with its date, without which it is never shown.

    Attributes
    ----------
    usd_per_hour : float
        For one node.
    date : datetime.date
        When it held.
    source : str
        Whose figure it is.
    """

    usd_per_hour: float
    date: date
    source: str = ""

    def __str__(self) -> str:
        """Return such as ``0.384 USD/h (2026-07-20)``."""
        return f"{self.usd_per_hour:g} USD/h ({self.date})"


class Prices(Protocol):
    """Knows what nodes cost."""

    def of(self, labels: Mapping[str, str]) -> Price | None:
        """Return the price of a node with these labels (instance type, capacity type); None if unknown."""
        ...


def price_of(node: Object, prices: Prices | None = None) -> Price | None:
    """Return what a Node costs: by its annotations, else by its labels; None if neither says it."""
    meta = node["metadata"]
    annotations = meta.get("annotations") or {}
    try:
        usd, day = float(annotations[PRICE]), date.fromisoformat(annotations[PRICE_DATE])
    except (KeyError, ValueError):
        return prices.of(meta.get("labels") or {}) if prices else None
    if not 0 <= usd < float("inf"):
        return None
    return Price(usd, day, annotations.get(PRICE_SOURCE, ""))
