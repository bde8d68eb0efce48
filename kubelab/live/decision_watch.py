"""`DecisionWatch`: an autoscaler's decisions and what its nodes cost, watched through the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from kubelab.autoscaling.decisions import number_of
from kubelab.client import CLUSTER_AUTOSCALERS, NODES, SCALING_DECISIONS, Client, Object
from kubelab.clock import rfc3339
from kubelab.costs.intervals import CAPACITY_TYPE
from kubelab.live.cluster_watch import ClusterWatch
from kubelab.live.decision_snapshot import (
    AutoscalerSnapshot,
    DecisionRow,
    DecisionUpdate,
    decision_row,
    problem_of,
)

_INTERVAL_S = 0.25
"""Decisions come every ten seconds of the cluster's time; the curves are some kilobytes each time."""


class DecisionWatch(ClusterWatch):
    """Watches the autoscaler, its decisions and nodes, on the loop that `start` runs on.

    Parameters
    ----------
    client : Client
        The cluster's API.
    on_update : callable
        Called with a `DecisionUpdate`, on the watch's loop, at most once an interval.
    now : callable
        What time it is in the cluster, in UTC.
    interval_s : float
        The least time between two updates, in seconds.
    """

    def __init__(
        self,
        client: Client,
        on_update: Callable[[DecisionUpdate], None],
        *,
        now: Callable[[], datetime],
        interval_s: float = _INTERVAL_S,
    ) -> None:
        super().__init__(client, (SCALING_DECISIONS, CLUSTER_AUTOSCALERS), now=now, interval_s=interval_s)
        self._on_update = on_update
        self._rows: dict[str, DecisionRow] = {}
        self._news: dict[int, DecisionRow] = {}
        self._gone: list[int] = []

    def snapshot(self) -> AutoscalerSnapshot | None:
        """Return what the autoscaler is like now; None before the API server has answered."""
        if not self.synced:
            return None
        found = self.informers[CLUSTER_AUTOSCALERS].get("", "default")
        now = self.now()
        return AutoscalerSnapshot(
            now=rfc3339(now),
            exists=found is not None,
            expander=(found or {}).get("spec", {}).get("expander", ""),
            problem=problem_of(found) if found else "",
            usd_per_hour=self.costs.now(),
            spent_usd=self.costs.spent_usd(now),
            price_dates=self.costs.price_dates,
            curves=self.costs.curves(now),
            spot_nodes=self._spot_nodes(),
        )

    def decisions(self) -> tuple[DecisionRow, ...]:
        """Return every decision, oldest first."""
        return tuple(sorted(self._rows.values(), key=lambda row: row.number))

    def decision(self, number: int) -> Object | None:
        """Return the spec of a decision with its options; None if it is no more."""
        found = self.informers[SCALING_DECISIONS].objects.values()
        return next((obj["spec"] for obj in found if number_of(obj) == number), None)

    def subscribe(self) -> None:
        """Subscribe to the decisions."""
        self.informers[SCALING_DECISIONS].subscribe(self._decision_changed)

    def publish(self) -> None:
        """Tell of the autoscaler, and of decisions that are new or gone."""
        snapshot = self.snapshot()
        if snapshot is not None:
            news, self._news = self._news, {}
            gone, self._gone = self._gone, []
            self._on_update(DecisionUpdate(snapshot, tuple(news.values()), tuple(gone)))

    def _decision_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            row = decision_row(number_of(new), new)
            self._rows[new["metadata"]["name"]] = row
            self._news[row.number] = row
        elif old is not None:
            self._rows.pop(old["metadata"]["name"], None)
            self._news.pop(number_of(old), None)
            self._gone.append(number_of(old))

    def _spot_nodes(self) -> tuple[str, ...]:
        nodes = self.informers[NODES].objects.values()
        spot = (node for node in nodes if (node["metadata"].get("labels") or {}).get(CAPACITY_TYPE) == "spot")
        return tuple(sorted(node["metadata"]["name"] for node in spot))
