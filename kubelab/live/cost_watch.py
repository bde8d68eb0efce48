"""`CostWatch`: what a cluster costs and who for, watched through the API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from kubelab.client import METER_READINGS, NAMESPACES, NODES, PODS, Client, Object, Resource
from kubelab.costs.budgets import budgets_of
from kubelab.costs.grouping import Grouping
from kubelab.costs.prices import Prices
from kubelab.costs.survey import ledger_of
from kubelab.live.cluster_watch import ClusterWatch
from kubelab.live.cost_reckoning import reckon
from kubelab.live.cost_snapshot import CostSnapshot

_INTERVAL_S = 1.0
"""A reckoning goes through all pods for each stretch of time."""


class CostWatch(ClusterWatch):
    """Watches nodes, pods, what a meter noted and namespaces' budgets, on the loop that `start` runs on.

    Parameters
    ----------
    client : Client
        The cluster's API.
    on_update : callable
        Called with a `CostSnapshot`, on the watch's loop, at most once an interval.
    now : callable
        What time it is in the cluster, in UTC.
    aggregate : str
        By what costs are put together.
    window : timedelta
        How far back it looks.
    budgets : mapping of str to float, optional
        By a group's name, USD a month; what Namespaces say unless given.
    prices : Prices, optional
        What nodes cost that do not say it themselves.
    """

    def __init__(
        self,
        client: Client,
        on_update: Callable[[CostSnapshot], None],
        *,
        now: Callable[[], datetime],
        aggregate: str = "namespace",
        window: timedelta = timedelta(days=1),
        budgets: Mapping[str, float] | None = None,
        prices: Prices | None = None,
        interval_s: float = _INTERVAL_S,
    ) -> None:
        super().__init__(client, (PODS, METER_READINGS, NAMESPACES), now=now, interval_s=interval_s)
        Grouping.parse(aggregate)
        self.aggregate = aggregate
        self.window = window
        self._on_update = on_update
        self._budgets = budgets
        self._prices = prices
        self._reckoning: asyncio.Task[None] | None = None

    async def snapshot(self) -> CostSnapshot | None:
        """Return what the cluster costs; None before the API server has answered."""
        if not self.synced:
            return None
        nodes, pods, readings, namespaces = (
            self._objects(each) for each in (NODES, PODS, METER_READINGS, NAMESPACES)
        )
        budgets = budgets_of(namespaces) if self._budgets is None else self._budgets
        now, aggregate, window = self.now(), self.aggregate, self.window

        def work() -> CostSnapshot:
            ledger = ledger_of(nodes, pods, readings, now=now, prices=self._prices)
            return reckon(ledger, aggregate, window=window, budgets=budgets)

        return await asyncio.to_thread(work)

    def show_by(self, aggregate: str) -> None:
        """Put costs together by something else from now on.

        Raises
        ------
        AggregateError
            If pods have nothing of the name.
        """
        Grouping.parse(aggregate)
        self.aggregate = aggregate
        self.tell()

    def subscribe(self) -> None:
        """Nothing more: any change is told by the next reckoning."""

    def publish(self) -> None:
        """Reckon, unless that is under way; then it is asked for again by the next tick."""
        if self._reckoning is None or self._reckoning.done():
            self._reckoning = asyncio.get_running_loop().create_task(self._reckon())
            self._tasks.append(self._reckoning)

    async def _reckon(self) -> None:
        found = await self.snapshot()
        self._tasks = [task for task in self._tasks if not task.done()]
        if found is not None:
            self._on_update(found)

    def _objects(self, kind: Resource) -> list[Object]:
        return list(self.informers[kind].objects.values())
