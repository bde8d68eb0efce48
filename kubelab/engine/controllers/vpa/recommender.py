"""The loop around `kubelab.rightsizing.recommender`: every minute it samples, recommends and remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelab.client import VERTICAL_POD_AUTOSCALER_CHECKPOINTS, VERTICAL_POD_AUTOSCALERS, Object
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.vpa.kills import Kill, kills
from kubelab.engine.controllers.vpa.measures import RecommenderMeasures
from kubelab.engine.controllers.vpa.world import ALL, World
from kubelab.errors import ConflictError, NotFoundError
from kubelab.informer import Key

if TYPE_CHECKING:
    from kubelab.engine.controllers.vpa.memory import Memory

_ROUND: Key = ("", "round")
_NAME = "default"


class VpaRecommenderController(Controller):
    """Recommends while there is an autoscaler that names no other recommender; costs nothing without one.

    Only containers of autoscalers are followed, as with upstream's ``--memory-saver``.

    Attributes
    ----------
    interval_s : float
        How often (``--recommender-interval``).
    checkpoint_s : float
        How often it is kept what was seen.
    """

    name = "vpa-recommender"
    workers = 1
    interval_s = 60.0
    checkpoint_s = 600.0

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.world = World(self.views, self.clock)
        self.measures = RecommenderMeasures(around.measures)
        self._runs = False
        self._kills: list[Kill] = []
        self._memory: Memory | None = None
        self.checkpoints = self.views.of(VERTICAL_POD_AUTOSCALER_CHECKPOINTS)
        self.checkpoints.index(ALL, lambda _each: (ALL,))
        self.world.autoscalers.subscribe(self._changed)
        self.world.pods.subscribe(self._pod_changed)

    async def reconcile(self, _namespace: str, _name: str) -> float | None:
        """Sample, recommend and remember, once."""
        autoscalers = [each for each in self.world.all() if is_ours(each)]
        self._runs = bool(autoscalers)
        if not self._runs:
            self._memory, self._kills = None, []
            return None
        if self._memory is None:
            from kubelab.engine.controllers.vpa.memory import Memory  # numpy, which most labs do without

            self._memory = Memory(self)
        killed, self._kills = self._kills, []
        with self.measures.timed("total"):
            await self._memory.take(autoscalers, killed)
        self.measures.groups = len(self._memory)
        return self.interval_s

    async def write(self, autoscaler: Object, status: Object) -> None:
        """Write an autoscaler's status where it is new; of one that changed meanwhile, the next round's."""
        if status == autoscaler.get("status"):
            return
        try:
            await self.update_status(VERTICAL_POD_AUTOSCALERS, autoscaler, status)
        except (ConflictError, NotFoundError):
            return

    def _changed(self, _old: Object | None, new: Object | None) -> None:
        if new is not None and not self._runs and is_ours(new):
            self._runs = True
            self.queue.add(_ROUND)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if self._runs and old is not None and new is not None:
            self._kills += kills(old, new)


def is_ours(autoscaler: Object) -> bool:
    """Say whether an autoscaler names no recommender, or this one."""
    named = autoscaler["spec"].get("recommenders") or ()
    return not named or any(each["name"] == _NAME for each in named)
