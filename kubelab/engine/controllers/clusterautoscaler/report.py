"""What the loop tells of itself: the status ConfigMap, and the numbers behind its metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from kubelab.autoscaling.node_group import NodeGroup
from kubelab.autoscaling.status import Counts, GroupState, status_text
from kubelab.client import CONFIG_MAPS, Object
from kubelab.engine.controllers.clusterautoscaler.growth import STARTUP, Growth
from kubelab.engine.controllers.clusterautoscaler.ledger import Ledger
from kubelab.engine.controllers.clusterautoscaler.measures import LoopMeasures
from kubelab.engine.controllers.clusterautoscaler.world import NodeState, World
from kubelab.engine.controllers.controller import Controller

NAMESPACE, NAME = "kube-system", "cluster-autoscaler-status"
UPDATED = "cluster-autoscaler.kubernetes.io/last-updated"
EVERY = timedelta(minutes=5)
"""How often the ConfigMap is written if only its times are new; upstream writes it in every loop."""


class Report:
    """Keeps the ConfigMap and the measures current."""

    def __init__(self, controller: Controller, world: World, measures: LoopMeasures) -> None:
        self.controller = controller
        self.world = world
        self.measures = measures
        self._written: tuple[object, ...] = ()
        self._written_at: datetime | None = None

    def is_healthy(self, now: datetime) -> bool:
        """Say whether so few nodes are unready that scaling makes sense."""
        return _counts(self.world.states.values(), now).healthy

    async def write(self, growth: Growth, ledger: Ledger, candidates: Counter[str], now: datetime) -> None:
        """Take what the loop knows, and write it if it is new or a minute old."""
        groups = [self._state(group, growth, ledger, candidates, now) for group in self.world.groups()]
        needed = bool(self.measures.unschedulable)
        self.measures.groups = groups
        fresh = self._written_at is not None and now - self._written_at < EVERY
        if fresh and self._written == (groups, needed):
            return
        self._written, self._written_at = (groups, needed), now
        others = _counts(self.world.members(""), now)
        await self._put(status_text(groups, others, needed=needed, now=now), now)

    def _state(
        self, group: NodeGroup, growth: Growth, ledger: Ledger, candidates: Counter[str], now: datetime
    ) -> GroupState:
        backoff = ledger.backoffs.get(group.name)
        return GroupState(
            name=group.name,
            counts=_counts(self.world.members(group.name), now),
            target=group.replicas,
            min_size=group.min_size,
            max_size=group.max_size,
            upcoming=growth.upcoming(group, now),
            candidates=candidates[group.name],
            backoff=backoff if backoff is not None and now < backoff.until else None,
        )

    async def _put(self, text: str, now: datetime) -> None:
        annotations = {UPDATED: f"{now:%Y-%m-%d %H:%M:%S.%f} +0000 UTC"}
        found = self.controller.views.of(CONFIG_MAPS).get(NAMESPACE, NAME)
        if found is not None:
            patch = {"metadata": {"annotations": annotations}, "data": {"status": text}}
            await self.controller.patch(CONFIG_MAPS, found, patch)
            return
        body: Object = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME, "namespace": NAMESPACE, "annotations": annotations},
            "data": {"status": text},
        }
        await self.controller.create(CONFIG_MAPS, body)


def _counts(nodes: Iterable[NodeState], now: datetime) -> Counts:
    ready = unready = not_started = going = 0
    for node in nodes:
        if node.going:
            going += 1
        elif node.ready:
            ready += 1
        elif now - node.created < STARTUP:
            not_started += 1
        else:
            unready += 1
    return Counts(ready, unready, not_started, going)
