"""Watches nodes and pods, and keeps a reading of each that goes or changes what it has or costs."""

from __future__ import annotations

from datetime import datetime

from kubelab.client import METER_READINGS, NODES, PODS, Object
from kubelab.costs.excess import SAMPLE_S
from kubelab.costs.intervals import NodeInterval, node_interval, pod_interval
from kubelab.costs.keeping import Plan, plan
from kubelab.costs.rates import NOTHING
from kubelab.costs.readings import RUNNING, Rows, reading_object, rows_of
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.meter.sampling import Sampling
from kubelab.errors import AlreadyExistsError
from kubelab.informer import Key
from kubelab.simulated_pod import declarations_of

_GONE: Key = ("", "gone")
_USE: Key = ("", "use")
MOST_ROWS = 2000
"""In one reading."""


class MeterController(Controller):
    """Keeps readings. It has two keys: what is gone, and what pods use that run.

    A node or pod that is there needs no reading: the object says since when. What is deleted while no meter
    runs is not known of.
    """

    name = "meter"
    workers = 1

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._noted: list[Rows] = []
        self._number = 0
        self.readings = self.views.of(METER_READINGS)
        self.readings.index("all", lambda _reading: ("yes",))
        self.nodes = self.views.of(NODES)
        self.pods = self.views.of(PODS)
        self._sampling = Sampling(self.client, self.pods, self.nodes)
        self.nodes.subscribe(self._node_changed)
        self.pods.subscribe(self._pod_changed)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Write down what was noted, and put small readings together; or look at what pods use."""
        if (namespace, name) == _USE:
            return await self._sample()
        while self._noted:
            batch = self._noted[:MOST_ROWS]
            await self._write(Rows.together(batch))
            del self._noted[: len(batch)]
        await self._tidy(plan(self.readings.by_index("all", "yes")))
        return None

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and declarations_of(new):
            self.queue.add_after(_USE, SAMPLE_S)
        if old is None:
            return
        before = node_interval(old, self.clock.now())
        if new is None or _is_other(before, node_interval(new, before.end)):
            self._note(Rows(nodes=(before,)))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and self._sampling.concerns(new):
            self.queue.add_after(_USE, SAMPLE_S)
        if old is None or (new is not None and old["spec"] == new["spec"]):
            return
        before = pod_interval(old, self.clock.now())
        if before is None:
            return
        after = pod_interval(new, before.end) if new else None
        if after is None or before.held != after.held:
            self._note(Rows(pods=(self._sampling.of(before.uid).applied_to(before),)))

    def _note(self, rows: Rows) -> None:
        self._noted.append(rows)
        self.queue.add(_GONE)

    async def _write(self, rows: Rows) -> None:
        while True:
            self._number += 1
            now = self.clock.now()
            try:
                await self.create(METER_READINGS, reading_object(_name(now, self._number), rows, now))
            except AlreadyExistsError:  # of a meter that ran before, in the same second
                continue
            return

    async def _tidy(self, found: Plan) -> None:
        if found.together:
            await self._write(Rows.together(map(rows_of, found.together)))
        for reading in (*found.together, *found.too_old):
            await self.delete(METER_READINGS, reading)

    async def _sample(self) -> float | None:
        kept = self.readings.get("", RUNNING)
        before = rows_of(kept).excess if kept else ()
        found = await self._sampling.sample(before)
        if found != before:
            reading = reading_object(RUNNING, Rows(excess=found), self.clock.now())
            if kept is None:
                await self.create(METER_READINGS, reading)
            else:
                await self.patch(METER_READINGS, kept, {"spec": reading["spec"]})
        return SAMPLE_S if self._sampling.is_needed else None


def _is_other(before: NodeInterval, after: NodeInterval) -> bool:
    """Say whether a node has or costs something else; what was not known before held all along."""
    has_changed = before.capacity not in (NOTHING, after.capacity)
    return has_changed or before.price not in (None, after.price)


def _name(now: datetime, number: int) -> str:
    return f"{now:%Y%m%d-%H%M%S}-{number:05d}"
