"""One step of the loop: settle what did not come, add nodes, take idle ones away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from kubelab.autoscaling.backoff import after_failure
from kubelab.autoscaling.balancing import Size, balance, similar
from kubelab.autoscaling.choice import Choice, Situation
from kubelab.autoscaling.node_group import NodeGroup
from kubelab.autoscaling.scale_up import Offers, capped
from kubelab.client import CONFIG_MAPS, INSTANCE_SCORES
from kubelab.engine.controllers.clusterautoscaler import records
from kubelab.engine.controllers.clusterautoscaler.choosing import Choosing
from kubelab.engine.controllers.clusterautoscaler.growth import Growth
from kubelab.engine.controllers.clusterautoscaler.ledger import Ledger
from kubelab.engine.controllers.clusterautoscaler.measures import LoopMeasures
from kubelab.engine.controllers.clusterautoscaler.removing import Removing
from kubelab.engine.controllers.clusterautoscaler.report import Report
from kubelab.engine.controllers.clusterautoscaler.settings import Settings
from kubelab.engine.controllers.clusterautoscaler.shrinking import Shrinking
from kubelab.engine.controllers.clusterautoscaler.world import World
from kubelab.engine.controllers.clusterautoscaler.writing import Writing
from kubelab.engine.controllers.controller import Controller
from kubelab.engine.controllers.events import Note
from kubelab.engine.measures import Measures
from kubelab.scheduling.snapshot import PodInfo

_BINPACKING = timedelta(seconds=10)
"""``--max-nodegroup-binpacking-duration``; on virtual time, which stands still meanwhile, there is no end."""

_NUMBERS = re.compile(r"\d+")
"""What may differ between two reasons that are the same to a reader."""

_TO_PODS = 200
"""To how many pods an event says what was done for them."""


class Step:
    """One autoscaler's loop, from its object's creation to its deletion."""

    def __init__(self, controller: Controller, world: World, measures: Measures, seed: int) -> None:
        views = controller.views
        self.controller = controller
        self.world = world
        self.writing = Writing(controller, world)
        self.ledger = Ledger()
        self.growth = Growth(self.world, self.ledger)
        self.shrinking = Shrinking(self.world, self.ledger)
        self.measures = LoopMeasures(measures)
        self.removing = Removing(self.writing, self.growth, self.shrinking, self.measures)
        self.report = Report(controller, self.world, self.measures)
        self.choosing = Choosing(seed, views.of(CONFIG_MAPS), views.of(INSTANCE_SCORES))
        self._looked_at = -1

    def close(self) -> None:
        """End what was opened for choosing."""
        self.choosing.close()

    async def take(self, settings: Settings) -> None:
        """Settle, add, and take away."""
        measures, shrinking, now = self.measures, self.shrinking, self.controller.clock.now()
        with measures.timed("main"):
            with measures.timed("updateClusterState"):
                await self._settle(self.world.groups(), settings, now)
                await self.removing.go_on_emptying(now)
            groups = self.world.groups()
            measures.safe = self.report.is_healthy(now)
            if not measures.safe:
                return
            with measures.timed("scaleUp"):
                grew = await self._grow(groups, settings, now)
            if self._looked_at != self.world.version:
                self._looked_at = self.world.version
                with measures.timed("findUnneeded"):
                    shrinking.look(self.world.groups(), settings, now)
            if not grew:
                with measures.timed("scaleDown"):
                    await self.removing.take_away(groups, settings, now)
        measures.cooling, measures.unremovable = shrinking.is_cooling(settings, now), shrinking.reasons()
        await self.report.write(self.growth, self.ledger, shrinking.candidates(), now)

    # Settling

    async def _settle(self, groups: Sequence[NodeGroup], settings: Settings, now: datetime) -> None:
        """Give up nodes that the provider refused or that did not come in time."""
        for group in groups:
            missing = self.growth.upcoming(group, now)
            obj = self.world.group_object(group.name) or {}
            refusal = (obj.get("status") or {}).get("outOfCapacity")
            began = self.ledger.increased.get(group.name)
            if refusal and self.ledger.refused.get(group.name) != refusal["time"]:
                self.ledger.refused[group.name] = refusal["time"]
                coming = len((obj.get("status") or {}).get("provisioning") or ())
                await self._give_up(group, max(missing - coming, 0), now, "OutOfCapacity", refusal["message"])
            elif began is not None and missing and now - began > settings.max_node_provision:
                minutes = settings.max_node_provision.total_seconds() / 60
                why = f"{missing} nodes did not become ready within {minutes:g} minutes"
                await self._give_up(group, missing, now, "timeout", why)
            elif began is not None and not missing:
                del self.ledger.increased[group.name]
                self.ledger.backoffs.pop(group.name, None)

    async def _give_up(self, group: NodeGroup, lost: int, now: datetime, code: str, message: str) -> None:
        ledger = self.ledger
        self.measures.failed(code)
        ledger.increased.pop(group.name, None)
        ledger.backoffs[group.name] = after_failure(ledger.backoffs.get(group.name), now, code, message)
        if lost:
            await self.writing.resize(group.name, group.replicas - lost)
        until = ledger.backoffs[group.name].until
        why = f"{message}; the group is left alone until {until:%H:%M:%S}"
        await self.writing.record(records.failed(now, group, lost, why))
        self.writing.note_group(group.name, Note("Warning", "FailedToScaleUpGroup", f"{code}: {message}"))

    # Adding

    async def _grow(self, groups: Sequence[NodeGroup], settings: Settings, now: datetime) -> bool:
        pods, snapshot = self.growth.lacking(settings, now)
        self.ledger.told = {pod.uid: self.ledger.told[pod.uid] for pod in pods if pod.uid in self.ledger.told}
        self.measures.unschedulable = len(pods)
        if not pods:
            return False
        clock = self.controller.clock
        end = clock.now() + _BINPACKING
        found = self.growth.offers(
            pods,
            snapshot,
            groups,
            max_nodes=settings.max_nodes_per_scale_up,
            now=now,
            out_of_time=lambda: clock.now() > end,
        )
        if not found.options:
            why = "no node group can take any of the pods" if groups else "there are no node groups"
            await self._refuse(pods, found, why, settings.expander)
            return False
        nodes = len(self.world.cache.nodes)
        chain = self.choosing.chain(settings, groups)
        choice = await asyncio.to_thread(chain.choose, found.options, Situation(nodes=nodes))
        if not choice.kept:
            await self._refuse(pods, found, f"vetoed: {choice.why}", settings.expander, choice=choice)
            return False
        group = next(each for each in groups if each.name == choice.kept[0].node_group)
        total = sum(each.replicas for each in groups) + len(self.world.members(""))
        room = group.max_size - group.replicas
        count = capped(choice.kept[0].node_count, room, total, settings.max_nodes)
        if not count:
            why = f"max total nodes in cluster reached ({settings.max_nodes})"
            await self._refuse(pods, found, why, settings.expander, choice=choice)
            return False
        for name, part in self._shares(group, count, choice, groups, settings).items():
            await self._add(next(each for each in groups if each.name == name), part, choice)
        spec = records.scale_up(now, choice, group=group, count=count, groups=groups, unhelped=found.unhelped)
        await self.writing.record(spec)
        return True

    def _shares(
        self,
        group: NodeGroup,
        count: int,
        choice: Choice,
        groups: Sequence[NodeGroup],
        settings: Settings,
    ) -> dict[str, int]:
        """Return how many nodes each group gets: the chosen one all, unless like ones share them."""
        if not settings.balance_similar:
            return {group.name: count}
        offered = {each.option.node_group for each in choice.ranked}
        held = self.world.fresh(group).requested
        like = [
            each
            for each in groups
            if each.name == group.name
            or (
                each.name in offered
                and similar(group.template, each.template, held, self.world.fresh(each).requested)
            )
        ]
        return balance([Size(each.name, each.replicas, each.max_size) for each in like], count)

    async def _add(self, group: NodeGroup, count: int, choice: Choice) -> None:
        """Raise a group's target, and tell the pods that it is for."""
        await self.writing.resize(group.name, group.replicas + count)
        now = self.controller.clock.now()
        self.ledger.last_added = self.ledger.increased[group.name] = now
        self.measures.scaled_up.value += count
        size = f"{group.replicas}->{group.replicas + count} (max: {group.max_size})"
        self.writing.note_group(
            group.name, Note("Normal", "ScaledUpGroup", f"Scale-up: group {group.name} {size}")
        )
        said = Note("Normal", "TriggeredScaleUp", f"pod triggered scale-up: [{{{group.name} {size}}}]")
        waiting = {each.info.key: each.object for each in self.world.waiting()}
        for pod in choice.kept[0].pods[:_TO_PODS]:
            if (obj := waiting.get((pod.namespace, pod.name))) is not None:
                self.controller.note(obj, said)

    async def _refuse(
        self,
        pods: Sequence[PodInfo],
        found: Offers,
        why: str,
        names: str,
        *,
        choice: Choice | None = None,
    ) -> None:
        """Say why nothing is added, once for each pod and reason."""
        reasons = "; ".join(f"{each.node_group}: {each.reason}" for each in found.unhelped)
        said = f"{why}. {reasons}" if reasons else why
        topic = _NUMBERS.sub("", said)
        new = [pod for pod in pods if self.ledger.told.get(pod.uid) != topic]
        if not new:
            return
        self.ledger.told.update((pod.uid, topic) for pod in new)
        now = self.controller.clock.now()
        spec = records.no_scale_up(now, names, pods=new, unhelped=found.unhelped, why=why, choice=choice)
        await self.writing.record(spec)
        waiting = {each.info.uid: each.object for each in self.world.waiting()}
        for pod in new[:_TO_PODS]:
            if pod.uid in waiting:
                message = f"pod didn't trigger scale-up: {said}"
                self.controller.note(waiting[pod.uid], Note("Normal", "NotTriggerScaleUp", message))
