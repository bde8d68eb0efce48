"""The loop: takes a step every ten seconds, while there is a ClusterAutoscaler."""

from __future__ import annotations

from kubelab.autoscaling.errors import ExpanderError
from kubelab.client import (
    CLUSTER_AUTOSCALERS,
    CONFIG_MAPS,
    INSTANCE_SCORES,
    SCALING_DECISIONS,
    Object,
)
from kubelab.clock import rfc3339
from kubelab.engine.controllers.clusterautoscaler.choosing import ALL
from kubelab.engine.controllers.clusterautoscaler.daemons import DaemonSizes
from kubelab.engine.controllers.clusterautoscaler.settings import Settings
from kubelab.engine.controllers.clusterautoscaler.step import Step
from kubelab.engine.controllers.clusterautoscaler.world import World
from kubelab.engine.controllers.conditions import accepted, find, with_condition
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.nodegroup.controller import catalogue

NAME = "default"


class ClusterAutoscalerController(Controller):
    """Runs while there is a ClusterAutoscaler named ``default``; costs nothing without one."""

    name = "cluster-autoscaler"
    workers = 1

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.autoscalers = self.follow(CLUSTER_AUTOSCALERS)
        for resource in (SCALING_DECISIONS, INSTANCE_SCORES):
            self.views.of(resource).index(ALL, lambda _obj: (ALL,))
        self.views.of(CONFIG_MAPS)
        self.measures = around.measures
        self._sizes = DaemonSizes(around)
        self._world: World | None = None
        self._step: Step | None = None

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Take one step of the loop."""
        found = self.autoscalers.get(namespace, name)
        if name != NAME:
            return None
        if found is None:
            if self._step is not None:
                self._step.close()
            self._step = None
            return None
        settings = Settings.of(found)
        if self._step is None:
            if self._world is None:  # once: what subscribes to views stays subscribed
                self._world = World(self.views, catalogue, self._sizes)
            self._step = Step(self, self._world, self.measures, settings.seed)
        try:
            await self._step.take(settings)
        except ExpanderError as error:
            await self._accept(found, str(error))
        else:
            await self._accept(found, "")
        return settings.scan_s

    async def _accept(self, found: Object, problem: str) -> None:
        """Say on the object whether it makes sense, where that is new."""
        old = (found.get("status") or {}).get("conditions")
        known = find(old, "Accepted")
        if known is None or known["message"] != problem:
            conditions = with_condition(old, accepted(problem), rfc3339(self.clock.now()))
            await self.update_status(CLUSTER_AUTOSCALERS, found, {"conditions": conditions})
