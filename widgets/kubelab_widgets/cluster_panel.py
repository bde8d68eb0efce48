"""`ClusterPanel`: what panels of a whole cluster share, its time above all."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from kubelab import Cluster, portal
from kubelab.clock import RealClock
from kubelab.errors import KubelabError
from kubelab.simulated_cluster import SimulatedCluster
from kubelab_widgets.live_panel import LivePanel
from kubelab_widgets.time_controls import controls_of


class Watch(Protocol):
    """What a panel follows its cluster by."""

    def tell(self) -> None:
        """Look again, also where no object changed."""
        ...

    async def stop(self) -> None:
        """Follow no more."""
        ...


class ClusterPanel(LivePanel):
    """A live panel of a cluster, with controls of its time where that is virtual.

    Subclasses set ``_watch``, and give what `LivePanel` asks for but `detach`.
    """

    _watch: Watch | None = None

    def __init__(self, cluster: Cluster) -> None:
        if not isinstance(cluster, Cluster):
            raise KubelabError(
                f"{cluster!r} is no cluster. Pass one such as Cluster.connect() or Cluster.simulated()."
            )
        self.cluster = cluster
        self._controls = controls_of(cluster)
        super().__init__()

    def tick(self) -> None:
        """Show what time that has passed has brought."""
        if self._watch is not None:
            self._watch.tell()

    async def detach(self) -> None:
        """Stop watching; the cluster goes on."""
        self.leave_time()
        if self._watch is not None:
            await self._watch.stop()

    def describe(self) -> str:
        """Return what the panel is of."""
        return f"of {self.cluster.name}"

    def now(self) -> datetime:
        """Return what time it is in the cluster, in UTC."""
        return self.cluster.now if isinstance(self.cluster, SimulatedCluster) else RealClock().now()

    def follow_time(self) -> None:
        """Begin to show the controls, where there are any."""
        if self._controls is not None:
            self._outbox.put(time=self._controls.state())
            self._controls.listen(self._time_told)

    def leave_time(self) -> None:
        """Show the controls no more."""
        if self._controls is not None:
            self._controls.forget(self._time_told)

    def act(self, message: dict[str, Any]) -> None:
        """Do what the page asks of time (on the portal's loop)."""
        controls = self._controls
        if controls is None:
            return
        match message.get("type"):
            case "play":
                self._outbox.put(notice=None)
                controls.play(_positive(message.get("speed")))
            case "pause":
                controls.pause()
            case "step":
                self._outbox.put(notice=None)
                controls.step(_positive(message.get("seconds")))

    def _time_told(self, error: Exception | None) -> None:
        """Take the controls' news, on whatever thread: only pass it on."""
        portal.loop().call_soon_threadsafe(self._time_changed, error)

    def _time_changed(self, error: Exception | None) -> None:
        if self._closed or self._controls is None:
            return
        self._outbox.put(time=self._controls.state())
        if error is not None:
            self._outbox.put(notice=self.notice_of(error))
        self.tick()
        self.update()


def _positive(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value >= 1 else None
