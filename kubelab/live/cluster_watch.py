"""`ClusterWatch`: what watches of a whole cluster share, among it what nodes cost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from kubelab.client import METER_READINGS, NODES, Client, Object, Resource
from kubelab.costs.readings import Rows, rows_of, without_overlap
from kubelab.errors import ApiError, ConnectionFailedError
from kubelab.informer import Informer
from kubelab.live.cost_history import CostHistory
from kubelab.live.throttle import Throttle

_log = logging.getLogger(__name__)
_TICK_S = 1.0
"""How often money that is spent while nothing changes is told."""


class ClusterWatch:
    """Watches some kinds of objects, nodes among them, on the loop that `start` runs on.

    Subclasses give `subscribe` and `publish`.

    Parameters
    ----------
    client : Client
        The cluster's API.
    kinds : iterable of Resource
        What to watch beside nodes.
    now : callable
        What time it is in the cluster, in UTC.
    interval_s : float
        The least time between two updates, in seconds.
    """

    def __init__(
        self, client: Client, kinds: Iterable[Resource], *, now: Callable[[], datetime], interval_s: float
    ) -> None:
        self.now = now
        self.costs = CostHistory()
        self.informers = {each: Informer(client, each) for each in (NODES, *kinds)}
        self._client = client
        self._throttle = Throttle(self._publish, interval_s)
        self._tasks: list[asyncio.Task[None]] = []

    def subscribe(self) -> None:
        """Subscribe to the informers, before they run."""
        raise NotImplementedError

    def publish(self) -> None:
        """Tell what changed; called only once all that exists is known."""
        raise NotImplementedError

    async def start(self, patience_s: float = 10.0) -> None:
        """Begin to watch; returns once what exists has been read, or after ``patience_s`` seconds."""
        try:
            await self._begin(patience_s)
        except BaseException:  # such as Ctrl-C in the cell that waits for this
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop watching; no update comes after this."""
        self._throttle.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._throttle.cancel()

    @property
    def synced(self) -> bool:
        """Whether the API server has told of all that there is."""
        return all(each.synced.is_set() for each in self.informers.values())

    def tell(self) -> None:
        """Ask for an update: time has passed in the cluster."""
        self._throttle.request()

    async def _begin(self, patience_s: float) -> None:
        await self._read_gone()
        self.informers[NODES].subscribe(self._node_changed)
        self.subscribe()
        for informer in self.informers.values():
            informer.subscribe(lambda _old, _new: self._throttle.request())
            self._spawn(informer.run())
        self._spawn(self._tick())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await asyncio.gather(*(informer.synced.wait() for informer in self.informers.values()))

    async def _read_gone(self) -> None:
        """Read what a meter noted of nodes that are gone, where there is one."""
        try:
            readings = (await self._client.list(METER_READINGS)).items
        except (ApiError, ConnectionFailedError):
            _log.debug("nothing is known of nodes that are gone", exc_info=True)
            return
        self.costs.note_gone(without_overlap(Rows.together(map(rows_of, readings)).nodes))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self._throttle.request()

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self.costs.put(new)
        if old is not None and (new is None or new["metadata"]["uid"] != old["metadata"]["uid"]):
            self.costs.end(old, self.now())

    def _publish(self) -> None:
        if self.synced:
            self.publish()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))
