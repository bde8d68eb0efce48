"""`AutoscalerPanel`: why the autoscaler chose what it chose, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from html import escape
from typing import Any

from kubelab import Cluster, portal
from kubelab.autoscaling.expanders.chain import KNOWN, check
from kubelab.autoscaling.lower_bound.over_time import BoundOverTime
from kubelab.clock import rfc3339
from kubelab.live import AutoscalerSnapshot, DecisionUpdate, DecisionWatch
from kubelab_widgets import autoscaler_actions
from kubelab_widgets.assets import module, style
from kubelab_widgets.autoscaler_fallback import autoscaler_html
from kubelab_widgets.cluster_panel import ClusterPanel
from kubelab_widgets.live_panel import Notice

Steps = Iterable[tuple[datetime, float]]
"""From when on how many USD an hour."""


class AutoscalerPanel(ClusterPanel):
    """A live panel of a cluster's autoscaler: its decisions with their options, and the cost over time.

    Parameters
    ----------
    cluster : Cluster
        Any whose API has ScalingDecisions: the lab's own or a simulated one.
    lower_bound : BoundOverTime or iterable of (datetime, float), optional
        A line that no policy can cross: what `kubelab.scenarios.bound.lower_bound` returned, or from when on
        how many USD an hour are needed.
    start : datetime, optional
        When the times of a BoundOverTime begin; the cluster's time now unless given.

    Raises
    ------
    KubelabError
        If it is no cluster.

    Examples
    --------
    >>> lab.play(scenario)  # doctest: +SKIP
    >>> AutoscalerPanel(lab, lower_bound=lower_bound(scenario))  # doctest: +SKIP
    """

    _esm = module("autoscaler_panel.js")
    _css = style("panel.css") + style("fleet.css")

    def __init__(
        self,
        cluster: Cluster,
        lower_bound: BoundOverTime | Steps | None = None,
        *,
        start: datetime | None = None,
    ) -> None:
        self._bound_given = lower_bound, start
        self._watch: DecisionWatch | None = None
        self._chosen: int | None = None
        super().__init__(cluster)

    def prepare(self) -> None:
        """Begin to watch the autoscaler."""
        lower_bound, start = self._bound_given
        self._bound = bound_steps(lower_bound, start or self.now())
        self._watch = DecisionWatch(self.cluster.client, self._changed, now=self.now)
        portal.run(self._watch.start())
        self._outbox.put(cluster=self.cluster.name, expanders=list(KNOWN), decision=None, bound=self._bound)
        snapshot = portal.run(self._snapshot())
        if snapshot is None:
            self.answered(self.cluster.name, yes=False)
        else:
            self._show(snapshot)
            portal.run(self._show_latest())
        self.follow_time()

    def fallback(self) -> str:
        """Return the autoscaler as still HTML."""
        return portal.run(self._still()) or f"<p>{escape(repr(self))}</p>"

    # What follows runs on the portal's loop, except where it says otherwise.

    def act(self, message: dict[str, Any]) -> None:
        """Do what the page asks for."""
        match message.get("type"):
            case "hello":
                self._outbox.start_again({})
            case "select":
                self._select(message.get("number"))
            case "policy":
                expander = str(message.get("expander", ""))
                self.begin("policy", lambda: self._set_policy(expander))
            case "load":
                self.begin("load", lambda: autoscaler_actions.add_load(self.cluster, message))
            case "unload":
                self.begin("unload", lambda: autoscaler_actions.remove_load(self.cluster))
            case "interrupt":
                node = str(message.get("node", ""))
                self.begin("interrupt", lambda: autoscaler_actions.interrupt(self.cluster, node))
            case _:
                super().act(message)

    def done(self, result: object) -> Notice | None:
        """Say what was done."""
        return {"level": "info", "text": result} if isinstance(result, str) else None

    def _set_policy(self, expander: str) -> str:
        """Change who chooses (on the thread)."""
        check([name.strip() for name in expander.split(",")])
        autoscaler_actions.set_policy(self.cluster, expander)
        return f"From now on {expander} chooses."

    def _select(self, number: object) -> None:
        self._chosen = number if isinstance(number, int) else None
        self._put_decision()

    def _put_decision(self) -> None:
        """Show the chosen decision with its options, or the latest; only one at a time travels."""
        if self._watch is None:
            return
        spec = None if self._chosen is None else self._watch.decision(self._chosen)
        number = self._chosen
        if spec is None and (decisions := self._watch.decisions()):
            number = decisions[-1].number
            spec = self._watch.decision(number)
        self._outbox.put(decision={"number": number, **spec} if spec else None)

    async def _show_latest(self) -> None:
        self._put_decision()

    async def _snapshot(self) -> AutoscalerSnapshot | None:
        return self._watch.snapshot() if self._watch else None

    async def _still(self) -> str:
        watch, snapshot = self._watch, await self._snapshot()
        if watch is None or snapshot is None:
            return ""
        decisions = watch.decisions()
        last = watch.decision(decisions[-1].number) if decisions else None
        return autoscaler_html(self.cluster.name, snapshot, decisions, last, self._bound)

    def _changed(self, update: DecisionUpdate) -> None:
        self._outbox.drop_rows(update.gone)
        self._outbox.put_rows({row.number: asdict(row) for row in update.decisions})
        self._show(update.snapshot)
        if update.decisions or update.gone:
            self._put_decision()
        self.update()

    def _show(self, snapshot: AutoscalerSnapshot) -> None:
        self.answered(self.cluster.name, yes=True)
        curves = snapshot.curves
        shown = curves and {
            "since": rfc3339(curves.since),
            "stretch_s": curves.stretch_s,
            "groups": {name: list(values) for name, values in curves.groups.items()},
        }
        self._outbox.put(
            autoscaler={
                "exists": snapshot.exists,
                "expander": snapshot.expander,
                "problem": snapshot.problem,
            },
            money={
                "usd_per_hour": round(sum(snapshot.usd_per_hour.values()), 6),
                "spent_usd": round(snapshot.spent_usd, 4),
                "price_dates": list(snapshot.price_dates),
            },
            cost=shown,
            spot_nodes=list(snapshot.spot_nodes),
        )


def bound_steps(bound: BoundOverTime | Steps | None, start: datetime) -> list[tuple[str, float]]:
    """Return a bound as steps: from when on how many USD an hour are needed."""
    if bound is None:
        return []
    if isinstance(bound, BoundOverTime):
        steps: Steps = [
            (start + timedelta(seconds=each.start_s), each.bound.usd_per_hour) for each in bound.stretches
        ]
    else:
        steps = bound
    return [(rfc3339(moment), usd_per_hour) for moment, usd_per_hour in steps]
