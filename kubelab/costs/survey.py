"""Reads what a cluster costs off its API: nodes and pods that there are, and a meter's readings of others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kubelab.client import METER_READINGS, NODES, PODS, Client, Object
from kubelab.costs.allocation import Window, allocate
from kubelab.costs.cost import Cost
from kubelab.costs.intervals import CAPACITY_TYPE, INSTANCE_TYPE, NodeInterval, node_interval, pod_interval
from kubelab.costs.keeping import known_since
from kubelab.costs.prices import Prices, price_of
from kubelab.costs.rates import NOTHING
from kubelab.costs.readings import Rows, rows_of, without_overlap
from kubelab.errors import KubelabError, NotFoundError

_NOTHING = Rows()
_EVER = datetime.min.replace(tzinfo=UTC)


class WindowError(KubelabError, ValueError):
    """Costs were asked for over a time that makes no sense.

    Attributes
    ----------
    hours : float
        How long it was.
    """

    def __init__(self, hours: float) -> None:
        self.hours = hours
        super().__init__(f"costs of {hours:g} hours cannot be told. Say how far to look back: hours=24.")


async def read_cost(client: Client, now: datetime, *, hours: float, prices: Prices | None = None) -> Cost:
    """Return what a cluster cost in the hours until now, or since its first node if that is later.

    Parameters
    ----------
    now : datetime
        Until when nodes and pods that are there count.
    prices : Prices, optional
        What nodes cost that do not say it themselves.

    Raises
    ------
    WindowError
        If that is no time.
    """
    if not 0 < hours < 1e6:
        raise WindowError(hours)
    nodes, pods = (await client.list(NODES)).items, (await client.list(PODS)).items
    readings = await _readings(client)
    start = max(now - timedelta(hours=hours), known_since(readings) or _EVER)
    return cost_of(nodes, pods, Rows.together(map(rows_of, readings)), start=start, now=now, prices=prices)


def cost_of(
    nodes: Iterable[Object],
    pods: Iterable[Object],
    gone: Rows = _NOTHING,
    *,
    start: datetime = _EVER,
    now: datetime,
    prices: Prices | None = None,
) -> Cost:
    """Return the cost of nodes and pods as they are, and of those that are gone, from a start until now."""
    nodes = list(nodes)
    noted = (_priced(node, prices) for node in gone.nodes)
    lives = without_overlap([*noted, *(node_interval(node, now, prices) for node in nodes)])
    beyond = {each.uid: each.average for each in gone.excess}
    going = (run for pod in pods if (run := pod_interval(pod, now)))
    held = (replace(run, held=run.held + beyond.get(run.uid, NOTHING)) for run in going)
    runs = without_overlap([*gone.pods, *held])
    first = min((each.start for each in lives), default=now)
    window = Window(min(now, max(start, first)), now)
    known = [price.usd_per_hour for node in nodes if (price := price_of(node, prices))]
    return Cost(allocate(lives, runs, window), usd_per_hour=sum(known))


def _priced(node: NodeInterval, prices: Prices | None) -> NodeInterval:
    """Return a node that is gone with the price that its labels tell, unless it said one itself."""
    if node.price or prices is None:
        return node
    bought = {CAPACITY_TYPE: node.capacity_type} if node.capacity_type else {}
    return replace(node, price=prices.of({INSTANCE_TYPE: node.instance_type, **bought}))


async def _readings(client: Client) -> list[Object]:
    try:
        return (await client.list(METER_READINGS)).items
    except NotFoundError:  # a cluster that kubelab does not meter
        return []
