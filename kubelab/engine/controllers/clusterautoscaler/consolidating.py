"""The part of the loop that replaces nodes by a cheaper one; off unless it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kubelab.autoscaling.consolidation import Fleet, Replacement, StandIn, find_replacement
from kubelab.autoscaling.node_group import NodeGroup
from kubelab.autoscaling.scale_down import Candidate
from kubelab.engine.controllers.clusterautoscaler.growth import Growth
from kubelab.engine.controllers.clusterautoscaler.settings import Settings
from kubelab.engine.controllers.clusterautoscaler.shrinking import Shrinking
from kubelab.engine.controllers.clusterautoscaler.world import NodeState, World, is_daemon


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A replacement that was begun: which nodes go as soon as nothing of the group is on its way."""

    replacement: Replacement
    began: datetime


class Consolidating:
    """Keeps what is under way, and finds what comes next."""

    def __init__(self, world: World, growth: Growth, shrinking: Shrinking) -> None:
        self.world = world
        self.growth = growth
        self.shrinking = shrinking
        self.under_way: UnderWay | None = None
        self._looked_at = -1

    def find(self, groups: Sequence[NodeGroup], settings: Settings, now: datetime) -> Replacement | None:
        """Return what to replace now, if anything: not while nodes come or go, or pods wait."""
        world = self.world
        if world.version == self._looked_at or world.going():
            return None
        if any(not is_daemon(each) for each in world.waiting()):
            return None
        if self.shrinking.is_cooling(settings, now) or any(
            self.growth.upcoming(each, now) for each in groups
        ):
            return None
        ripe = [
            (group, node)
            for group in groups
            for node in world.members(group.name)
            if now - node.created >= settings.thresholds.unneeded
        ]
        found = find_replacement(
            [self._candidate(group, node) for group, node in ripe],
            [
                StandIn(group.name, world.fresh(group), group.price.usd_per_hour)
                for group in groups
                if group.price and not self.growth.shut(group, now)
            ],
            self._fleet(groups),
            now,
        )
        if found is None and len(ripe) == sum(len(world.members(group.name)) for group in groups):
            self._looked_at = world.version
        return found

    def _candidate(self, group: NodeGroup, node: NodeState) -> Candidate:
        return Candidate(
            self.world.cache.nodes[node.name], group.name, node.ready, self.shrinking.is_kept(node.name)
        )

    def _fleet(self, groups: Sequence[NodeGroup]) -> Fleet:
        world = self.world
        return Fleet(
            snapshot=world.cache.snapshot(),
            budgets=world.budgets(),
            usd_per_hour={
                node.name: group.price.usd_per_hour
                for group in groups
                if group.price
                for node in world.members(group.name)
            },
            spare={group.name: group.replicas - group.min_size for group in groups},
            pods_on=world.pods_on,
            info_of=world.info_of,
        )
