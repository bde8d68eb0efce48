"""`CostPanel`: what a cluster costs now, who for, what is idle, and how budgets stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from html import escape
from typing import Any

from kubelab import Cluster, portal
from kubelab.autoscaling.catalogue import Catalogue
from kubelab.clock import rfc3339
from kubelab.costs.prices import Prices
from kubelab.costs.windows import parse_length
from kubelab.errors import KubelabError
from kubelab.live import CostSnapshot, CostWatch
from kubelab_widgets.assets import module, style
from kubelab_widgets.cluster_panel import ClusterPanel
from kubelab_widgets.cost_fallback import costs_html
from kubelab_widgets.live_panel import Notice


class CostPanel(ClusterPanel):
    """A live panel of a cluster's costs: the burn rate, cost over time by group with idle on top, budgets.

    Parameters
    ----------
    cluster : Cluster
        Any.
    aggregate : str
        By what costs are put together: namespace, team, controller, node, label:NAME, ...
    window : str
        How far back it looks, such as ``24h`` or ``7d``; at most to the first node.
    budgets : mapping of str to float, optional
        By a group's name, USD a month; what Namespaces say unless given.
    prices : Prices, optional
        What nodes cost that do not say it themselves; the catalogue's unless given.

    Raises
    ------
    KubelabError
        If it is no cluster, pods have nothing of the name, or the window is no length.

    Examples
    --------
    >>> CostPanel(lab, aggregate="team", budgets={"vision": 500})  # doctest: +SKIP
    """

    _esm = module("cost_panel.js")
    _css = style("panel.css") + style("fleet.css")

    def __init__(
        self,
        cluster: Cluster,
        aggregate: str = "namespace",
        *,
        window: str = "1d",
        budgets: Mapping[str, float] | None = None,
        prices: Prices | None = None,
    ) -> None:
        self._asked = aggregate, parse_length(window), budgets, prices
        self._watch: CostWatch | None = None
        super().__init__(cluster)

    def prepare(self) -> None:
        """Begin to watch what costs money."""
        aggregate, window, budgets, prices = self._asked
        self._watch = CostWatch(
            self.cluster.client,
            self._changed,
            now=self.now,
            aggregate=aggregate,
            window=window,
            budgets=budgets,
            prices=Catalogue.load() if prices is None else prices,
        )
        portal.run(self._watch.start())
        self._outbox.put(cluster=self.cluster.name, costs=None)
        snapshot = portal.run(self._watch.snapshot())
        if snapshot is None:
            self.answered(self.cluster.name, yes=False)
        else:
            self._show(snapshot)
        self.follow_time()

    def fallback(self) -> str:
        """Return the costs as still HTML."""
        snapshot = portal.run(self._watch.snapshot()) if self._watch else None
        return costs_html(self.cluster.name, snapshot) if snapshot else f"<p>{escape(repr(self))}</p>"

    # What follows runs on the portal's loop.

    def act(self, message: dict[str, Any]) -> None:
        """Do what the page asks for."""
        match message.get("type"):
            case "hello":
                self._outbox.start_again({})
            case "by":
                self._show_by(str(message.get("aggregate", "")))
            case _:
                super().act(message)

    def done(self, result: object) -> Notice | None:  # noqa: ARG002
        """Nothing is done that would take long."""
        return None

    def _show_by(self, aggregate: str) -> None:
        if self._watch is None:
            return
        try:
            self._watch.show_by(aggregate)
        except KubelabError as error:
            self._outbox.put(notice=self.notice_of(error))
        else:
            self._outbox.put(notice=None)
        self.update()

    def _changed(self, snapshot: CostSnapshot) -> None:
        self._show(snapshot)
        self.update()

    def _show(self, snapshot: CostSnapshot) -> None:
        self.answered(self.cluster.name, yes=True)
        shown = asdict(snapshot)
        curves = snapshot.curves
        shown["since"] = rfc3339(curves.since) if curves else snapshot.now
        shown["curves"] = curves and {
            "since": rfc3339(curves.since),
            "stretch_s": curves.stretch_s,
            "groups": {name: list(values) for name, values in curves.groups.items()},
        }
        self._outbox.put(costs=shown)
