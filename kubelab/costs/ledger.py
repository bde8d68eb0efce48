"""`Ledger`: when nodes and pods were there and what they had, from which any window's costs are reckoned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from kubelab.client import Object
from kubelab.costs.allocation import Allocation, Window, allocate
from kubelab.costs.intervals import (
    CAPACITY_TYPE,
    INSTANCE_TYPE,
    NodeInterval,
    PodInterval,
    node_interval,
    pod_interval,
)
from kubelab.costs.prices import Prices, PriceSheet
from kubelab.costs.readings import Rows, without_overlap

EVER = datetime.min.replace(tzinfo=UTC)
_NOTHING = Rows()


@dataclass(frozen=True)
class Ledger:
    """All that is known of a cluster's nodes and pods.

    Attributes
    ----------
    nodes, pods : tuple
        Those that are there and those that are gone; of none is any moment in two of them.
    now : datetime
        Until when it tells.
    usd_per_hour : float
        What the nodes that are there now cost an hour.
    known_since : datetime
        From when on all is known.
    """

    nodes: tuple[NodeInterval, ...]
    pods: tuple[PodInterval, ...]
    now: datetime
    usd_per_hour: float = 0.0
    known_since: datetime = EVER

    @staticmethod
    def of(
        nodes: Iterable[Object],
        pods: Iterable[Object],
        gone: Rows = _NOTHING,
        *,
        now: datetime,
        prices: Prices | None = None,
        known_since: datetime = EVER,
    ) -> Ledger:
        """Return the ledger of nodes and pods as they are, and of those that are gone.

        Parameters
        ----------
        prices : Prices, optional
            What nodes cost that do not say it themselves.
        """
        noted = (_priced(node, prices) for node in gone.nodes)
        there = [node_interval(node, now, prices) for node in nodes]
        lives = without_overlap([*noted, *there])
        samples = {each.uid: each for each in gone.excess}
        going = (run for pod in pods if (run := pod_interval(pod, now)))
        held = (samples[run.uid].applied_to(run) if run.uid in samples else run for run in going)
        runs = without_overlap([*gone.pods, *held])
        usd_per_hour = sum(each.price.usd_per_hour for each in there if each.price)
        return Ledger(tuple(lives), tuple(runs), now, usd_per_hour, known_since)

    @property
    def begins(self) -> datetime:
        """When the first node came, or from when on all is known if that is later; now without any."""
        return max(self.known_since, min((each.start for each in self.nodes), default=self.now))

    def allocate(self, window: Window) -> Allocation:
        """Share out what nodes cost in a window."""
        here = [each for each in self.nodes if window.overlap_hours(each)]
        runs = [each for each in self.pods if each.start < window.end and each.end > window.start]
        return allocate(here, runs, window)


def _priced(node: NodeInterval, prices: Prices | None) -> NodeInterval:
    """Return a node that is gone with the price that its labels tell, unless it said one itself."""
    if node.price or prices is None:
        return node
    bought = {CAPACITY_TYPE: node.capacity_type} if node.capacity_type else {}
    price = prices.of({INSTANCE_TYPE: node.instance_type, **bought})
    if price is None and isinstance(prices, PriceSheet):
        price = prices.of_capacity(node.capacity)
    return replace(node, price=price)
