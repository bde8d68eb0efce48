"""Reads what a cluster costs off its API: nodes and pods that there are, and a meter's readings of others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from kubelab.client import METER_READINGS, NODES, PODS, Client, Object
from kubelab.costs.allocation import Window
from kubelab.costs.cost import Cost
from kubelab.costs.keeping import known_since
from kubelab.costs.ledger import EVER, Ledger
from kubelab.costs.prices import Prices
from kubelab.costs.readings import Rows, rows_of
from kubelab.costs.windows import WindowError
from kubelab.errors import NotFoundError

_NOTHING = Rows()


async def read_ledger(client: Client, now: datetime, *, prices: Prices | None = None) -> Ledger:
    """Return what a cluster's API tells of its nodes and pods, those that are gone included.

    Parameters
    ----------
    now : datetime
        Until when nodes and pods that are there count.
    prices : Prices, optional
        What nodes cost that do not say it themselves.
    """
    nodes, pods = (await client.list(NODES)).items, (await client.list(PODS)).items
    return ledger_of(nodes, pods, await _readings(client), now=now, prices=prices)


def ledger_of(
    nodes: Iterable[Object],
    pods: Iterable[Object],
    readings: list[Object],
    *,
    now: datetime,
    prices: Prices | None = None,
) -> Ledger:
    """Return the ledger of Nodes, Pods and MeterReadings."""
    gone = Rows.together(map(rows_of, readings))
    since = known_since(readings) or EVER
    return Ledger.of(nodes, pods, gone, now=now, prices=prices, known_since=since)


async def read_cost(client: Client, now: datetime, *, hours: float, prices: Prices | None = None) -> Cost:
    """Return what a cluster cost in the hours until now, or since its first node if that is later.

    Raises
    ------
    WindowError
        If that is no time.
    """
    if not 0 < hours < 1e6:
        raise WindowError(f"{hours:g} hours", "costs of it cannot be told", "Say how far back: hours=24.")
    ledger = await read_ledger(client, now, prices=prices)
    return _cost_since(ledger, now - timedelta(hours=hours))


def cost_of(
    nodes: Iterable[Object],
    pods: Iterable[Object],
    gone: Rows = _NOTHING,
    *,
    start: datetime = EVER,
    now: datetime,
    prices: Prices | None = None,
) -> Cost:
    """Return the cost of nodes and pods as they are, and of those that are gone, from a start until now."""
    return _cost_since(Ledger.of(nodes, pods, gone, now=now, prices=prices), start)


def _cost_since(ledger: Ledger, start: datetime) -> Cost:
    window = Window(min(ledger.now, max(start, ledger.begins)), ledger.now)
    return Cost(ledger.allocate(window), usd_per_hour=ledger.usd_per_hour)


async def _readings(client: Client) -> list[Object]:
    try:
        return (await client.list(METER_READINGS)).items
    except NotFoundError:  # a cluster that kubelab does not meter
        return []
