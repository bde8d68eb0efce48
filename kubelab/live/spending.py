"""`Spending`: what nodes cost now and have cost, kept as they come and go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.costs.intervals import NodeInterval
from kubelab.costs.prices import Price, price_of

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Spent:
    """Money at one moment.

    Attributes
    ----------
    usd_per_hour, usd : float
        Of nodes whose price is known: now, and since ``since``.
    since : datetime or None
        When the first of them came; None while there was none.
    price_dates : tuple of str
        The dates of the prices, oldest first.
    unpriced : int
        Nodes there are whose price is not known.
    """

    usd_per_hour: float
    usd: float
    since: datetime | None
    price_dates: tuple[str, ...]
    unpriced: int


class Spending:
    """Adds up what nodes cost from their creation to their end."""

    def __init__(self) -> None:
        self._there: dict[str, tuple[datetime, Price | None]] = {}
        self._gone_usd = 0.0
        self._dates: set[str] = set()
        self._since: datetime | None = None

    def note_gone(self, nodes: Iterable[NodeInterval]) -> None:
        """Count nodes that were gone before this began to watch; no moment of one may be in two."""
        for each in nodes:
            if each.price:
                self._begin(each.start, each.price)
                self._gone_usd += each.price.usd_per_hour * ((each.end - each.start) / _HOUR)

    def put(self, node: Object) -> None:
        """Count a Node from its creation on."""
        meta, price = node["metadata"], price_of(node)
        start = parse_rfc3339(meta["creationTimestamp"])
        self._there[meta["uid"]] = (start, price)
        if price:
            self._begin(start, price)

    def end(self, node: Object, now: datetime) -> None:
        """Count a Node no longer than until now."""
        start, price = self._there.pop(node["metadata"]["uid"], (now, None))
        if price:
            self._gone_usd += _cost(start, price, now)

    def at(self, now: datetime) -> Spent:
        """Return what was spent until now."""
        priced = [(start, price) for start, price in self._there.values() if price]
        return Spent(
            usd_per_hour=sum(price.usd_per_hour for _, price in priced),
            usd=self._gone_usd + sum(_cost(start, price, now) for start, price in priced),
            since=self._since,
            price_dates=tuple(sorted(self._dates)),
            unpriced=len(self._there) - len(priced),
        )

    def _begin(self, start: datetime, price: Price) -> None:
        self._dates.add(price.date.isoformat())
        self._since = min(start, self._since or start)


def _cost(start: datetime, price: Price, now: datetime) -> float:
    return price.usd_per_hour * max((now - start) / _HOUR, 0.0)
