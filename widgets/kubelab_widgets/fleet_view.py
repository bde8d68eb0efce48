"""`FleetView`: a cluster's nodes as columns with their pods as blocks, and what they cost."""

from __future__ import annotations

from dataclasses import asdict
from html import escape
from typing import Any

from kubelab import Cluster, portal
from kubelab.live import FleetSnapshot, FleetUpdate, FleetWatch
from kubelab_widgets.assets import module, style
from kubelab_widgets.cluster_panel import ClusterPanel
from kubelab_widgets.fleet_fallback import fleet_html
from kubelab_widgets.live_panel import Notice


class FleetView(ClusterPanel):
    """A live view of a cluster's nodes, pods and node groups.

    Each node is a column; a pod's block is as high as the largest part that it asks for of the node's CPU,
    memory, GPUs or pods. Pods that wait for a node have a lane of their own. On a simulated cluster there are
    controls to play, pause and step through its time.

    Parameters
    ----------
    cluster : Cluster
        Any: the lab's own, a context's or a simulated one.

    Raises
    ------
    KubelabError
        If it is no cluster.

    Examples
    --------
    >>> FleetView(lab)  # doctest: +SKIP
    """

    _esm = module("fleet_view.js")
    _css = style("panel.css") + style("fleet.css")

    def __init__(self, cluster: Cluster) -> None:
        self._watch: FleetWatch | None = None
        super().__init__(cluster)

    def prepare(self) -> None:
        """Begin to watch the fleet."""
        self._watch = FleetWatch(self.cluster.client, self._changed, now=self.now)
        portal.run(self._watch.start())
        snapshot = portal.run(self._snapshot())
        if snapshot is None:
            self.answered(self.cluster.name, yes=False)
        else:
            self._show(FleetUpdate(snapshot.fleet, snapshot.groups, (*snapshot.nodes, *snapshot.pods), ()))
        self._outbox.put(cluster=self.cluster.name)
        self.follow_time()

    def fallback(self) -> str:
        """Return the fleet as still HTML."""
        snapshot = portal.run(self._snapshot())
        return fleet_html(self.cluster.name, snapshot) if snapshot else f"<p>{escape(repr(self))}</p>"

    # What follows runs on the portal's loop.

    def act(self, message: dict[str, Any]) -> None:
        """Do what the page asks for."""
        if message.get("type") == "hello":
            self._outbox.start_again({})
        else:
            super().act(message)

    def done(self, result: object) -> Notice | None:
        """Say nothing: this view begins nothing slow."""

    async def _snapshot(self) -> FleetSnapshot | None:
        return self._watch.snapshot() if self._watch else None

    def _changed(self, update: FleetUpdate) -> None:
        self._show(update)
        self.update()

    def _show(self, update: FleetUpdate) -> None:
        self.answered(self.cluster.name, yes=True)
        self._outbox.drop_rows(update.gone)
        self._outbox.put_rows({row.number: asdict(row) for row in update.rows})
        self._outbox.put(fleet=asdict(update.fleet), groups=[asdict(group) for group in update.groups])
