"""The acting half of scale-down: nodes that are not needed go, and nodes that a cheaper one can replace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kubelab.autoscaling.consolidation import Replacement
from kubelab.autoscaling.node_group import NodeGroup
from kubelab.autoscaling.scale_down import Verdict
from kubelab.client import Object
from kubelab.engine.controllers.clusterautoscaler import records
from kubelab.engine.controllers.clusterautoscaler.consolidating import Consolidating, UnderWay
from kubelab.engine.controllers.clusterautoscaler.emptying import Emptying
from kubelab.engine.controllers.clusterautoscaler.growth import Growth
from kubelab.engine.controllers.clusterautoscaler.measures import LoopMeasures
from kubelab.engine.controllers.clusterautoscaler.settings import Settings
from kubelab.engine.controllers.clusterautoscaler.shrinking import Shrinking
from kubelab.engine.controllers.clusterautoscaler.writing import Writing
from kubelab.engine.controllers.events import Note


class Removing:
    """Takes nodes away, one step at a time."""

    def __init__(
        self, writing: Writing, growth: Growth, shrinking: Shrinking, measures: LoopMeasures
    ) -> None:
        self.writing = writing
        self.growth = growth
        self.shrinking = shrinking
        self.measures = measures
        self.world = writing.world
        self.ledger = growth.ledger
        self.emptying = Emptying(writing.controller, self.world)
        self.consolidating = Consolidating(self.world, growth, shrinking)

    async def take_away(self, groups: Sequence[NodeGroup], settings: Settings, now: datetime) -> None:
        """Begin with what is due; with nothing of that kind, see what a cheaper node could replace."""
        under_way = self.consolidating.under_way
        if under_way is not None:
            await self._go_on_replacing(under_way, groups, now)
            return
        await self._shrink(groups, settings, now)
        if settings.consolidate and not self.shrinking.candidates():
            replacement = self.consolidating.find(groups, settings, now)
            if replacement is not None:
                await self._replace(replacement, groups, now)

    async def go_on_emptying(self, now: datetime) -> None:
        """Bring on the nodes that are to go."""
        for state in self.world.going():
            node = self.world.node(state.name)
            if node is None:
                continue
            before = self.emptying.evicted
            problem = await self.emptying.go_on(node, now)
            self.measures.evicted.value += self.emptying.evicted - before
            if problem:
                self.ledger.last_failed = now
                await self.emptying.give_up(node)
                self.writing.controller.note(node, Note("Warning", "ScaleDownFailed", problem))

    async def _shrink(self, groups: Sequence[NodeGroup], settings: Settings, now: datetime) -> None:
        spare = {group.name: group.replicas - group.min_size - self._going(group.name) for group in groups}
        by_name = {group.name: group for group in groups}
        for verdict, unneeded_s in self.shrinking.due(settings, now):
            node = self.world.node(verdict.node)
            if node is None or spare.get(verdict.group, 0) <= 0:
                continue
            spare[verdict.group] -= 1
            why = f"{verdict.why}; it was not needed for {unneeded_s / 60:.0f} minutes"
            await self._let_go(node, verdict, by_name[verdict.group], why, now)

    async def _replace(self, replacement: Replacement, groups: Sequence[NodeGroup], now: datetime) -> None:
        """Ask for the new node; the old ones go when it is there."""
        group = next(each for each in groups if each.name == replacement.group)
        self.consolidating.under_way = UnderWay(replacement, now)
        self.ledger.last_added = self.ledger.increased[group.name] = now
        self.measures.scaled_up.value += 1
        await self.writing.resize(group.name, group.replicas + 1)
        await self.writing.record(records.replacement(now, replacement, group))

    async def _go_on_replacing(self, begun: UnderWay, groups: Sequence[NodeGroup], now: datetime) -> None:
        """Let the old nodes go once the new one is there; end if it does not come, or one cannot go."""
        by_name = {group.name: group for group in groups}
        group = by_name.get(begun.replacement.group)
        if group is not None and self.growth.upcoming(group, now):
            return
        failed = self.ledger.last_failed is not None and self.ledger.last_failed > begun.began
        going = {state.name for state in self.world.going()}
        left = [
            (node, verdict)
            for verdict in begun.replacement.leaving
            if (node := self.world.node(verdict.node)) is not None
        ]
        if group is None or group.name in self.ledger.backoffs or failed or not left:
            self.consolidating.under_way = None
            return
        why = f"{group.name} has a cheaper node for its pods"
        for node, verdict in left:
            if verdict.node not in going and verdict.group in by_name:
                await self._let_go(node, verdict, by_name[verdict.group], f"{verdict.why}; {why}", now)

    def _going(self, group: str) -> int:
        return sum(node.going for node in self.world.members(group))

    async def _let_go(
        self, node: Object, verdict: Verdict, group: NodeGroup, why: str, now: datetime
    ) -> None:
        await self.emptying.begin(node, now)
        self.ledger.unneeded_since.pop(verdict.node, None)
        await self.writing.record(records.scale_down(now, verdict, group, why))
        reason = "ScaleDown" if verdict.evict else "ScaleDownEmpty"
        message = f"node removed by cluster autoscaler: {verdict.why}"
        self.writing.controller.note(node, Note("Normal", reason, message))
        self.measures.scaled_down("underutilized" if verdict.evict else "empty")
