"""The half of the loop that adds nodes: which pods lack room, and what each group could do for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from kubelab.autoscaling.node_group import NodeGroup
from kubelab.autoscaling.scale_up import EXPENDABLE_BELOW, Offered, Offers, alike, offers, without_room
from kubelab.client import Object
from kubelab.engine.controllers.clusterautoscaler.ledger import Ledger
from kubelab.engine.controllers.clusterautoscaler.settings import Settings
from kubelab.engine.controllers.clusterautoscaler.world import World, is_daemon
from kubelab.scheduling.snapshot import NodeInfo, PodInfo, Snapshot

POD_DELAY = "cluster-autoscaler.kubernetes.io/pod-scale-up-delay"
STARTUP = timedelta(minutes=15)
"""``--max-node-startup-time``: a node that is not ready by then does not count as on its way."""

_YOUNG = timedelta(seconds=2)


class Growth:
    """Decides on new nodes; `kubelab.engine.controllers.clusterautoscaler.controller` acts on it."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world = world
        self.ledger = ledger

    def upcoming(self, group: NodeGroup, now: datetime) -> int:
        """Return how many nodes of a group are asked for and not ready."""
        here = sum(
            node.ready or node.going or now - node.created > STARTUP
            for node in self.world.members(group.name)
        )
        return max(group.replicas - here, 0)

    def lacking(self, settings: Settings, now: datetime) -> tuple[list[PodInfo], Snapshot]:
        """Return the pods that no node has room for, and the cluster with the nodes that are on their way."""
        waiting = [
            each
            for each in self.world.waiting()
            if each.info.priority >= EXPENDABLE_BELOW
            and not is_daemon(each)
            and now - each.since >= max(settings.new_pod_delay, _delay(each.object))
        ]
        if not waiting:
            return [], self.world.cache.snapshot()
        snapshot = self._with_upcoming(now)
        if all(now - each.since < _YOUNG for each in waiting):
            return [], snapshot
        return without_room([each.info for each in waiting], snapshot), snapshot

    def offers(
        self,
        pods: Sequence[PodInfo],
        snapshot: Snapshot,
        groups: Sequence[NodeGroup],
        *,
        max_nodes: int,
        now: datetime,
        out_of_time: Callable[[], bool],
    ) -> Offers:
        """Return what each group could do for the pods."""
        owners = {each.info.uid: each.owner for each in self.world.waiting()}
        offered = [
            Offered(group.name, group.template, self.world.fresh(group), self.shut(group, now))
            for group in groups
        ]
        return offers(
            alike(pods, lambda pod: owners.get(pod.uid, "")),
            offered,
            snapshot,
            max_nodes=max_nodes,
            out_of_time=out_of_time,
        )

    def shut(self, group: NodeGroup, now: datetime) -> str:
        """Return why nothing is added to a group now; "" if nothing speaks against it."""
        if group.replicas >= group.max_size:
            return f"max node group size reached ({group.max_size})"
        backoff = self.ledger.backoffs.get(group.name)
        if backoff is not None and now < backoff.until:
            left_s = (backoff.until - now).total_seconds()
            return f"in backoff after failed scale-up for another {left_s:.0f} s: {backoff.message}"
        return ""

    def _with_upcoming(self, now: datetime) -> Snapshot:
        snapshot = self.world.cache.snapshot()
        coming: dict[str, NodeInfo] = {}
        for group in self.world.groups():
            for number in range(self.upcoming(group, now)):
                fresh = self.world.fresh(group, number)
                coming[fresh.name] = fresh
        return replace(snapshot, nodes={**snapshot.nodes, **coming}) if coming else snapshot


def _delay(pod: Object) -> timedelta:
    """Return how long a pod asks to wait, such as ``30s`` or ``2m``; nothing if that makes no sense."""
    text = (pod["metadata"].get("annotations") or {}).get(POD_DELAY, "")
    units = {"s": 1, "m": 60, "h": 3600}
    try:
        return timedelta(seconds=float(text[:-1]) * units[text[-1:]])
    except (KeyError, ValueError):
        return timedelta(0)
