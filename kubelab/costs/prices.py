"""What a node costs an hour, as expanders and meters ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from kubelab.client import Object
from kubelab.costs.rates import DEFAULT_RATES, Rates, Resources
from kubelab.errors import KubelabError

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
    rates : Rates or None
        What its parts cost, where it was made up of these; it is split otherwise.
    """

    usd_per_hour: float
    date: date
    source: str = ""
    rates: Rates | None = None

    def __str__(self) -> str:
        """Return such as ``0.384 USD/h (2026-07-20)``."""
        return f"{self.usd_per_hour:g} USD/h ({self.date})"


class Prices(Protocol):
    """Knows what nodes cost."""

    def of(self, labels: Mapping[str, str]) -> Price | None:
        """Return the price of a node with these labels (instance type, capacity type); None if unknown."""
        ...


class SheetError(KubelabError, ValueError):
    """A price sheet cannot be read.

    Attributes
    ----------
    text : str
        How it was written.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(
            f"{text!r} is no price sheet. Write USD an hour of a core, a GiB and a device, and since when, "
            "such as 0.03,0.004,0.95,2026-01-01; or opencost."
        )


@dataclass(frozen=True, slots=True)
class PriceSheet:
    """What a core, a GiB and a device cost, for nodes whose price nobody knows.

    Such rates are used as they are, where a node's price would be split.

    Attributes
    ----------
    rates : Rates
        USD an hour.
    date : datetime.date
        When they held.
    source : str
        Whose figures they are.
    base : Prices or None
        Who is asked first.
    """

    rates: Rates
    date: date
    source: str = "price sheet"
    base: Prices | None = None

    @staticmethod
    def parse(text: str, base: Prices | None = None) -> PriceSheet:
        """Read a sheet: ``CORE,GIB,DEVICE,DATE``, or ``opencost`` for OpenCost's default sheet.

        Raises
        ------
        SheetError
            If it is neither, or an amount is negative.
        """
        if text.strip() == "opencost":
            return PriceSheet(DEFAULT_RATES, date(2024, 10, 24), "OpenCost's default sheet", base)
        try:
            core, gib, device, day = text.split(",")
            rates = Rates(float(core), float(gib), float(device))
            found = PriceSheet(rates, date.fromisoformat(day.strip()), base=base)
        except ValueError:
            raise SheetError(text) from None
        if not all(0 <= each < float("inf") for each in (rates.cpu_core, rates.ram_gib, rates.gpu)):
            raise SheetError(text)
        return found

    def of(self, labels: Mapping[str, str]) -> Price | None:
        """Return the price that who is asked first knows."""
        return self.base.of(labels) if self.base else None

    def of_capacity(self, capacity: Resources) -> Price:
        """Return the price of a node that has so much."""
        return Price(self.rates.cost(capacity), self.date, self.source, self.rates)


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
