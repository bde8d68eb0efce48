"""What the recommender's loop remembers from one round to the next."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.vpa.feeding import Feeding, Group
from kubelab.engine.controllers.vpa.keeping import Checkpoints
from kubelab.engine.controllers.vpa.kills import Kill
from kubelab.engine.controllers.vpa.status import new_status
from kubelab.rightsizing.application import update_mode
from kubelab.rightsizing.policies import ContainerPolicy
from kubelab.rightsizing.recommender import Recommender, Workload

if TYPE_CHECKING:
    from kubelab.engine.controllers.vpa.recommender import VpaRecommenderController

_FORGET_S = 3600.0
"""How often containers that are gone are forgotten; their samples stay in their groups."""


class Memory:
    """Samples of all containers that autoscalers are in charge of, and what was made of them.

    Parameters
    ----------
    controller : VpaRecommenderController
        Whose loop this is.
    """

    def __init__(self, controller: VpaRecommenderController) -> None:
        self._controller = controller
        self._recommender = Recommender()
        self._feeding = Feeding(controller.client, self._recommender)
        self._checkpoints = Checkpoints(controller, controller.checkpoints)
        self._containers: dict[str, dict[str, None]] = {}  # names of each autoscaler's, by its uid
        self._kept_at = self._forgot_at = controller.clock.now()

    def __len__(self) -> int:
        return len(self._recommender.aggregation.groups)

    async def take(self, autoscalers: Sequence[Object], killed: Iterable[Kill]) -> None:
        """Take one round."""
        controller, now = self._controller, self._controller.clock.now()
        controlled = controller.world.controlled(autoscalers)
        self._meet(autoscalers)
        self._feeding.track(controlled)
        for autoscaler, pods in controlled:
            known = self._containers[autoscaler["metadata"]["uid"]]
            known |= dict.fromkeys(each["name"] for pod in pods for each in pod["spec"]["containers"])
        with controller.measures.timed("LoadMetrics"):
            await self._feeding.take_samples()
        self._feeding.take_kills(killed)
        with controller.measures.timed("UpdateVPAs"):
            await self._recommend(controlled, now)
        with controller.measures.timed("MaintainCheckpoints"):
            await self._keep(autoscalers, now)
        self._forget(now)

    def _meet(self, autoscalers: Sequence[Object]) -> None:
        """Load what was kept of autoscalers that are new here, and forget those that are gone."""
        uids = {each["metadata"]["uid"] for each in autoscalers}
        if self._containers.keys() - uids:
            self._containers = {uid: names for uid, names in self._containers.items() if uid in uids}
            groups = self._recommender.aggregation.groups.names()
            kept: list[Hashable] = [
                each for each in groups if isinstance(each, Group) and each.autoscaler in uids
            ]
            self._recommender.aggregation.keep(kept)
        for autoscaler in autoscalers:
            uid = autoscaler["metadata"]["uid"]
            if uid not in self._containers:
                loaded = self._checkpoints.load(self._recommender.aggregation, autoscaler)
                self._containers[uid] = dict.fromkeys(loaded)

    async def _recommend(self, controlled: Sequence[tuple[Object, Sequence[Object]]], now: datetime) -> None:
        found = self._recommender.recommend([self._workload(autoscaler) for autoscaler, _ in controlled])
        self._controller.measures.begin()
        for (autoscaler, pods), recommendations in zip(controlled, found, strict=True):
            problem = self._controller.world.problem_of_target(autoscaler)
            status = new_status(
                autoscaler, recommendations, matched=bool(pods), problem=problem, now=rfc3339(now)
            )
            self._controller.measures.saw(
                update_mode(autoscaler),
                recommended=bool(recommendations),
                matched=bool(pods),
                supported=not problem,
            )
            await self._controller.write(autoscaler, status)

    def _workload(self, autoscaler: Object) -> Workload:
        uid = autoscaler["metadata"]["uid"]
        names = self._containers[uid]
        return Workload(
            {name: [Group(uid, name, from_checkpoint=kept) for kept in (False, True)] for name in names},
            {name: ContainerPolicy.of(autoscaler, name) for name in names},
        )

    async def _keep(self, autoscalers: Sequence[Object], now: datetime) -> None:
        if now < self._kept_at + timedelta(seconds=self._controller.checkpoint_s):
            return
        self._kept_at = now
        for each in autoscalers:
            names = self._containers[each["metadata"]["uid"]]
            await self._checkpoints.write(self._recommender.aggregation, each, names, now)
        await self._checkpoints.remove_others(self._controller.world.all())

    def _forget(self, now: datetime) -> None:
        if now < self._forgot_at + timedelta(seconds=_FORGET_S):
            return
        self._forgot_at = now
        containers = self._recommender.aggregation.containers
        containers.take(np.array(sorted(self._feeding.rows), dtype=np.intp))
