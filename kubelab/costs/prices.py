"""What a node costs an hour, as expanders and meters ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol


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
