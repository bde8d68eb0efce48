"""What the loop writes: targets of groups, decisions, and events about groups."""

from __future__ import annotations

from kubelab.autoscaling.decisions import number_of
from kubelab.client import NODE_GROUPS, SCALING_DECISIONS, Object
from kubelab.engine.controllers.clusterautoscaler import records
from kubelab.engine.controllers.clusterautoscaler.choosing import ALL
from kubelab.engine.controllers.clusterautoscaler.world import World
from kubelab.engine.controllers.controller import Controller
from kubelab.engine.controllers.events import Note
from kubelab.errors import AlreadyExistsError


class Writing:
    """Numbers decisions, and keeps no more than the newest of them."""

    def __init__(self, controller: Controller, world: World) -> None:
        self.controller = controller
        self.world = world
        self.decisions = controller.views.of(SCALING_DECISIONS)
        self._number = max(map(number_of, self.decisions.by_index(ALL, ALL)), default=0)

    async def resize(self, group: str, replicas: int) -> None:
        """Set a group's target."""
        obj = self.world.group_object(group)
        if obj is not None:
            await self.controller.patch(NODE_GROUPS, obj, {"spec": {"replicas": replicas}})

    async def record(self, spec: Object) -> None:
        """Keep a decision."""
        self._number += 1
        try:
            await self.controller.create(SCALING_DECISIONS, records.decision(self._number, spec))
        except AlreadyExistsError:
            return
        known = self.decisions.by_index(ALL, ALL)
        if len(known) > records.KEPT:
            oldest = min(known, key=number_of)
            await self.controller.delete(SCALING_DECISIONS, oldest)

    def note_group(self, name: str, note: Note) -> None:
        """Write an event about a group."""
        obj = self.world.group_object(name)
        if obj is not None:
            self.controller.note(obj, note)
