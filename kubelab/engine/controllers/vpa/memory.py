"""What the recommender's loop remembers from one round to the next."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.vpa.feeding import Feeding
from kubelab.engine.controllers.vpa.groups import Group, Groups, Kinds, workload
from kubelab.engine.controllers.vpa.keeping import Checkpoints
from kubelab.engine.controllers.vpa.kills import Kill
from kubelab.engine.controllers.vpa.status import new_status
from kubelab.errors import ApiError, ConnectionFailedError
from kubelab.rightsizing.application import update_mode
from kubelab.rightsizing.recommender import Recommender, Workload

if TYPE_CHECKING:
    from kubelab.engine.controllers.vpa.recommender import VpaRecommenderController

logger = logging.getLogger(__name__)

EXPIRED_S = 8 * 86400.0
"""How long a group is kept after its last sample: upstream's eight half-lives of a sample's weight."""
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
        self._groups = Groups()
        self._kept_at = self._forgot_at = controller.clock.now()

    def __len__(self) -> int:
        return len(self._recommender.aggregation.groups)

    async def take(self, autoscalers: Sequence[Object], killed: Iterable[Kill]) -> None:
        """Take one round."""
        controller, now = self._controller, self._controller.clock.now()
        controlled = controller.world.controlled(autoscalers)
        self._meet(autoscalers)
        self._groups.add(self._feeding.track(controlled, controller.world.kind))
        with controller.measures.timed("LoadMetrics"):
            try:
                await self._feeding.take_samples(now)
            except (ApiError, ConnectionFailedError) as error:
                logger.warning("no samples this time: %s", error)
        self._feeding.take_kills(killed)
        with controller.measures.timed("UpdateVPAs"):
            await self._recommend(controlled, now)
        with controller.measures.timed("MaintainCheckpoints"):
            await self._keep(autoscalers, now)
        self._forget(now)

    def _meet(self, autoscalers: Sequence[Object]) -> None:
        """Load what was kept of autoscalers that are new here, and forget those that are gone."""
        if self._groups.keep({each["metadata"]["uid"] for each in autoscalers}):
            self._recommender.aggregation.keep(self._groups.all())
        for autoscaler in autoscalers:
            uid = autoscaler["metadata"]["uid"]
            if uid not in self._groups:
                loaded = self._checkpoints.load(self._recommender.aggregation, autoscaler)
                self._groups.meet(uid, loaded)

    async def _recommend(self, controlled: Sequence[tuple[Object, Sequence[Object]]], now: datetime) -> None:
        kinds = [self._groups.by_kind(autoscaler) for autoscaler, _ in controlled]
        found = iter(self._recommender.recommend([*self._workloads(controlled, kinds)]))
        self._controller.measures.begin()
        for (autoscaler, pods), its_kinds in zip(controlled, kinds, strict=True):
            problem, recommendations = self._controller.world.problem_of_target(autoscaler), next(found)
            status = new_status(
                autoscaler,
                recommendations,
                groups={kind.value: next(found) for kind in its_kinds},
                matched=bool(pods),
                problem=problem,
                now=rfc3339(now),
            )
            self._controller.measures.saw(
                update_mode(autoscaler),
                recommended=bool(recommendations),
                matched=bool(pods),
                supported=not problem,
            )
            await self._controller.write(autoscaler, status)

    def _workloads(
        self, controlled: Sequence[tuple[Object, object]], kinds: Sequence[Kinds]
    ) -> Iterator[Workload]:
        """Yield of each autoscaler what is recommended for all pods, then for those on each kind of node."""
        for (autoscaler, _), its_kinds in zip(controlled, kinds, strict=True):
            yield workload(autoscaler, self._groups.together(autoscaler))
            yield from (workload(autoscaler, containers) for containers in its_kinds.values())

    async def _keep(self, autoscalers: Sequence[Object], now: datetime) -> None:
        if now < self._kept_at + timedelta(seconds=self._controller.checkpoint_s):
            return
        self._kept_at = now
        for each in autoscalers:
            await self._checkpoints.write(self._recommender.aggregation, each, self._groups, now)
        await self._checkpoints.remove_others(self._controller.world.all())

    def _forget(self, now: datetime) -> None:
        if now < self._forgot_at + timedelta(seconds=_FORGET_S):
            return
        self._forgot_at = now
        containers = self._recommender.aggregation.containers
        containers.take(np.array(sorted(self._feeding.rows), dtype=np.intp))
        if old := [*self._outlived(now)]:
            self._groups.drop(old)
            self._recommender.aggregation.keep(self._groups.all())

    def _outlived(self, now: datetime) -> Iterator[Group]:
        """Yield the groups of kinds of nodes that were last seen long ago."""
        rows, oldest = self._recommender.aggregation.groups, now.timestamp() - EXPIRED_S
        last = dict(zip(rows.names(), rows["last"].tolist(), strict=True))
        yield from (each for each in self._groups.all() if each.kind and last.get(each, 0.0) < oldest)
