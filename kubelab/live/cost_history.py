"""What a cluster's nodes cost an hour over time, by node group: exact from when each came and went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.costs.intervals import NODE_GROUP, NodeInterval
from kubelab.costs.prices import price_of

_HOUR = timedelta(hours=1)
BUCKETS = 160
"""How many stretches of time a curve has; each is a mean, so that the area stays the money spent."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A priced node, from when until when it was there; ``end`` is None while it is."""

    group: str
    start: datetime
    end: datetime | None
    usd_per_hour: float


@dataclass(frozen=True, slots=True)
class CostCurves:
    """USD an hour by group, in stretches of equal length.

    Attributes
    ----------
    since : datetime
        When the first stretch begins.
    stretch_s : float
        How long each is.
    groups : mapping of str to tuple of float
        For each group the mean USD an hour in each stretch.
    """

    since: datetime
    stretch_s: float
    groups: Mapping[str, tuple[float, ...]]


class CostHistory:
    """Remembers every priced node's stay."""

    def __init__(self) -> None:
        self._stays: dict[str, Stay] = {}
        self._dates: set[str] = set()

    @property
    def price_dates(self) -> tuple[str, ...]:
        """The dates of the prices, oldest first."""
        return tuple(sorted(self._dates))

    @property
    def since(self) -> datetime | None:
        """When the first node came; None before there was any."""
        return min((stay.start for stay in self._stays.values()), default=None)

    def note_gone(self, nodes: Iterable[NodeInterval]) -> None:
        """Remember nodes that were gone before anyone watched, or parts of their lives."""
        for number, each in enumerate(nodes):
            if each.price:
                self._dates.add(each.price.date.isoformat())
                stay = Stay(each.node_group, each.start, each.end, each.price.usd_per_hour)
                self._stays[f"{each.uid} {number}"] = stay

    def put(self, node: Object) -> None:
        """Remember a node that is there."""
        price, meta = price_of(node), node["metadata"]
        if price and meta["uid"] not in self._stays:
            group = (meta.get("labels") or {}).get(NODE_GROUP, "")
            start = parse_rfc3339(meta["creationTimestamp"])
            self._stays[meta["uid"]] = Stay(group, start, None, price.usd_per_hour)
            self._dates.add(price.date.isoformat())

    def end(self, node: Object, now: datetime) -> None:
        """Remember that a node went."""
        uid = node["metadata"]["uid"]
        if uid in self._stays:
            stay = self._stays[uid]
            self._stays[uid] = Stay(stay.group, stay.start, now, stay.usd_per_hour)

    def now(self) -> dict[str, float]:
        """Return USD an hour by group, of the nodes that are there."""
        total: dict[str, float] = {}
        for stay in self._stays.values():
            if stay.end is None:
                total[stay.group] = total.get(stay.group, 0.0) + stay.usd_per_hour
        return total

    def spent_usd(self, now: datetime) -> float:
        """Return what all of them cost until now."""
        return sum(_cost(stay, now) for stay in self._stays.values())

    def curves(self, now: datetime) -> CostCurves | None:
        """Return the curves from the first node until now; None before there is any."""
        since = self.since
        if since is None or now <= since:
            return None
        stretch = (now - since) / BUCKETS
        groups: dict[str, list[float]] = {}
        for stay in self._stays.values():
            _spread(stay, since, stretch, now, groups.setdefault(stay.group, [0.0] * BUCKETS))
        kept = {name: tuple(round(usd, 4) for usd in groups[name]) for name in sorted(groups)}
        return CostCurves(since, stretch.total_seconds(), kept)


def _spread(stay: Stay, since: datetime, stretch: timedelta, now: datetime, into: list[float]) -> None:
    """Add a stay to the stretches that it is in, each by the part of it."""
    end = min(stay.end or now, now)
    first = max(int((stay.start - since) / stretch), 0)
    last = min(int((end - since) / stretch), BUCKETS - 1)
    for place in range(first, last + 1):
        begins = since + place * stretch
        part = (min(end, begins + stretch) - max(stay.start, begins)) / stretch
        into[place] += stay.usd_per_hour * max(part, 0.0)


def _cost(stay: Stay, now: datetime) -> float:
    return stay.usd_per_hour * max((min(stay.end or now, now) - stay.start) / _HOUR, 0.0)
