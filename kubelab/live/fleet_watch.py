"""`FleetWatch`: all nodes and pods, watched through the API; what changed comes out ten times a second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any, Generic, TypeVar

from kubelab.client import METER_READINGS, NODE_GROUPS, NODES, PODS, Client, Object
from kubelab.clock import rfc3339
from kubelab.costs.readings import Rows, rows_of, without_overlap
from kubelab.errors import ApiError, ConnectionFailedError
from kubelab.informer import Informer, Key, key_of
from kubelab.live.fleet_snapshot import (
    Fleet,
    FleetSnapshot,
    FleetUpdate,
    GroupRow,
    NodeRow,
    PodRow,
    group_rows,
    node_row,
    pod_row,
)
from kubelab.live.spending import Spending
from kubelab.live.throttle import INTERVAL_S, Throttle

_log = logging.getLogger(__name__)
_TICK_S = 1.0
"""How often money that is spent while nothing changes is told."""

Row = TypeVar("Row", bound=NodeRow | PodRow)


class FleetWatch:
    """Watches a cluster's nodes, pods and node groups, on the loop that `start` runs on.

    Parameters
    ----------
    client : Client
        The cluster's API.
    on_update : callable
        Called with a `FleetUpdate`, on the watch's loop, at most once an interval.
    now : callable
        What time it is in the cluster, in UTC.
    interval_s : float
        The least time between two updates, in seconds.
    """

    def __init__(
        self,
        client: Client,
        on_update: Callable[[FleetUpdate], None],
        *,
        now: Callable[[], datetime],
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._client = client
        self._on_update = on_update
        self._now = now
        self._throttle = Throttle(self._publish, interval_s)
        self._spending = Spending()
        numbers = _Numbers()
        self._nodes: _Rows[NodeRow] = _Rows(node_row, numbers)
        self._pods: _Rows[PodRow] = _Rows(pod_row, numbers)
        self._groups: tuple[GroupRow, ...] = ()
        self._groups_changed = True
        self._informers = {each: Informer(client, each) for each in (NODES, PODS, NODE_GROUPS)}
        self._tasks: list[asyncio.Task[None]] = []

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
        return all(each.synced.is_set() for each in self._informers.values())

    def snapshot(self) -> FleetSnapshot | None:
        """Return what the fleet looks like now; None before the API server has answered."""
        if not self.synced:
            return None
        return FleetSnapshot(self._fleet(), self._group_rows(), self._nodes.all(), self._pods.all())

    def tell(self) -> None:
        """Ask for an update: time has passed in the cluster."""
        self._throttle.request()

    async def _begin(self, patience_s: float) -> None:
        self._informers[NODES].subscribe(self._node_changed)
        self._informers[PODS].subscribe(self._pods.note)
        self._informers[NODE_GROUPS].subscribe(self._group_changed)
        await self._read_gone()
        for informer in self._informers.values():
            informer.subscribe(lambda _old, _new: self._throttle.request())
            self._spawn(informer.run())
        self._spawn(self._tick())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await asyncio.gather(*(informer.synced.wait() for informer in self._informers.values()))

    async def _read_gone(self) -> None:
        """Read what a meter noted of nodes that are gone, where there is one."""
        try:
            readings = (await self._client.list(METER_READINGS)).items
        except (ApiError, ConnectionFailedError):
            _log.debug("nothing is known of nodes that are gone", exc_info=True)
            return
        self._spending.note_gone(without_overlap(Rows.together(map(rows_of, readings)).nodes))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self._throttle.request()

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        self._groups_changed = True
        self._nodes.note(old, new)
        if new is not None:
            self._spending.put(new)
        if old is not None and (new is None or new["metadata"]["uid"] != old["metadata"]["uid"]):
            self._spending.end(old, self._now())

    def _group_changed(self, _old: Object | None, _new: Object | None) -> None:
        self._groups_changed = True

    def _publish(self) -> None:
        if not self.synced:
            return
        (nodes, lost_nodes), (pods, lost_pods) = self._nodes.take(), self._pods.take()
        gone = (*lost_nodes, *lost_pods)
        self._on_update(FleetUpdate(self._fleet(), self._group_rows(), (*nodes, *pods), gone))

    def _group_rows(self) -> tuple[GroupRow, ...]:
        if self._groups_changed:
            self._groups_changed = False
            objects = self._informers[NODE_GROUPS].objects.values()
            self._groups = group_rows(objects, self._nodes.all())
        return self._groups

    def _fleet(self) -> Fleet:
        now = self._now()
        spent, pods = self._spending.at(now), self._pods.all()
        return Fleet(
            now=rfc3339(now),
            nodes=len(self._nodes.all()),
            pods=len(pods),
            pending=sum(not pod.node for pod in pods),
            usd_per_hour=round(spent.usd_per_hour, 6),
            spent_usd=round(spent.usd, 4),
            since=rfc3339(spent.since) if spent.since else "",
            price_dates=spent.price_dates,
            unpriced=spent.unpriced,
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))


class _Numbers:
    """Counts rows, so that each has a number of its own for good."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last += 1
        return self._last


class _Rows(Generic[Row]):
    """The rows of one kind of object, made anew only where an object changed."""

    def __init__(self, row_of: Callable[[int, Object], Row | None], numbers: _Numbers) -> None:
        self._row_of = row_of
        self._counter = numbers
        self._numbers: dict[str, int] = {}
        self._rows: dict[Key, tuple[str, Row]] = {}
        self._changed: dict[Key, Object | None] = {}
        self._news: dict[int, Row] = {}
        self._gone: list[int] = []

    def all(self) -> tuple[Row, ...]:
        """Return every row."""
        self._settle()
        return tuple(row for _, row in self._rows.values())

    def note(self, old: Object | None, new: Object | None) -> None:
        """Keep in mind that an object came, changed or went."""
        either = new if new is not None else old
        if either is not None:
            self._changed[key_of(either)] = new

    def take(self) -> tuple[tuple[Row, ...], tuple[int, ...]]:
        """Return rows that differ from when this was last called, and the numbers of those that went."""
        self._settle()
        news, self._news = self._news, {}
        gone, self._gone = self._gone, []
        return tuple(news.values()), tuple(gone)

    def _settle(self) -> None:
        changed, self._changed = self._changed, {}
        for key, obj in changed.items():
            self._set(key, obj)

    def _set(self, key: Key, obj: Object | None) -> None:
        uid, old = self._rows.get(key, ("", None))
        new_uid = obj["metadata"]["uid"] if obj else ""
        number = old.number if old and uid == new_uid else self._counter.next()
        new = self._row_of(number, obj) if obj else None
        if old is not None and (new is None or new.number != old.number):
            del self._rows[key]
            self._news.pop(old.number, None)
            self._gone.append(old.number)
        if new is not None and new != old:
            self._rows[key] = new_uid, new
            self._news[number] = new
