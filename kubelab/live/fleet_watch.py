"""`FleetWatch`: all nodes and pods, watched through the API; what changed comes out ten times a second."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from kubelab.client import NODE_GROUPS, NODES, PODS, Client, Object
from kubelab.clock import rfc3339
from kubelab.informer import Key, key_of
from kubelab.live.cluster_watch import ClusterWatch
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
from kubelab.live.throttle import INTERVAL_S

Row = TypeVar("Row", bound=NodeRow | PodRow)


class FleetWatch(ClusterWatch):
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
        super().__init__(client, (PODS, NODE_GROUPS), now=now, interval_s=interval_s)
        self._on_update = on_update
        numbers = _Numbers()
        self._nodes: _Rows[NodeRow] = _Rows(node_row, numbers)
        self._pods: _Rows[PodRow] = _Rows(pod_row, numbers)
        self._groups: tuple[GroupRow, ...] = ()
        self._groups_changed = True

    def snapshot(self) -> FleetSnapshot | None:
        """Return what the fleet looks like now; None before the API server has answered."""
        if not self.synced:
            return None
        return FleetSnapshot(self._fleet(), self._group_rows(), self._nodes.all(), self._pods.all())

    def subscribe(self) -> None:
        """Subscribe to nodes, pods and groups."""
        self.informers[NODES].subscribe(self._nodes.note)
        self.informers[NODES].subscribe(self._group_changed)
        self.informers[NODE_GROUPS].subscribe(self._group_changed)
        self.informers[PODS].subscribe(self._pods.note)

    def publish(self) -> None:
        """Tell of the sums and groups, and of rows that differ or are gone."""
        (nodes, lost_nodes), (pods, lost_pods) = self._nodes.take(), self._pods.take()
        gone = (*lost_nodes, *lost_pods)
        self._on_update(FleetUpdate(self._fleet(), self._group_rows(), (*nodes, *pods), gone))

    def _group_changed(self, _old: Object | None, _new: Object | None) -> None:
        self._groups_changed = True

    def _group_rows(self) -> tuple[GroupRow, ...]:
        if self._groups_changed:
            self._groups_changed = False
            objects = self.informers[NODE_GROUPS].objects.values()
            self._groups = group_rows(objects, self._nodes.all())
        return self._groups

    def _fleet(self) -> Fleet:
        now, since = self.now(), self.costs.since
        nodes, pods = self._nodes.all(), self._pods.all()
        return Fleet(
            now=rfc3339(now),
            nodes=len(nodes),
            pods=len(pods),
            pending=sum(not pod.node for pod in pods),
            usd_per_hour=round(sum(node.usd_per_hour or 0.0 for node in nodes), 6),
            spent_usd=round(self.costs.spent_usd(now), 4),
            since=rfc3339(since) if since else "",
            price_dates=self.costs.price_dates,
            unpriced=sum(node.usd_per_hour is None for node in nodes),
        )


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
