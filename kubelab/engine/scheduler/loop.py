"""The scheduler's loop: take the next pod, decide, and carry the decision out in the background."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from dataclasses import replace

from kubelab.client import BUDGETS, PODS, Client, Object
from kubelab.clock import Clock, rfc3339
from kubelab.engine.measures import Measures
from kubelab.engine.scheduler.binder import Binder, VolumesNotBoundError
from kubelab.engine.scheduler.events import Happening, Recorder
from kubelab.engine.scheduler.feed import SCHEDULER_NAME, Feed, is_gated
from kubelab.engine.scheduler.measures import SchedulerMeasures
from kubelab.engine.scheduler.queue import SchedulingQueue, Waiting
from kubelab.engine.scheduler.status import GATED, GATED_MESSAGE, disruption_target, not_scheduled
from kubelab.errors import ApiError, ConnectionFailedError, NotFoundError
from kubelab.informer import Informers
from kubelab.scheduling.cache import Cache
from kubelab.scheduling.decision import Decision
from kubelab.scheduling.preemption import preempt
from kubelab.scheduling.snapshot import Budget, Key, PodInfo, ScoringStrategy

logger = logging.getLogger(__name__)

BINDINGS_IN_FLIGHT = 128
DECISIONS_KEPT = 256
DECISIONS_AT_A_STRETCH = 16
"""After so many decisions everything else in the process gets a turn."""
STALE_CHECK_S = 30.0


class Scheduler:
    """Places pods that have no node yet.

    Parameters
    ----------
    client : Client
        Writes bindings, conditions, evictions and events.
    informers : Informers
        Where the cluster is read.
    clock : Clock
        Gives the times in conditions and events.
    seed : int
        Orders nodes that are equally good.
    scoring_strategy : str
        Whether pods are spread over nodes, or packed.
    measures : Measures, optional
        Where attempts are counted and timed.

    Attributes
    ----------
    decisions : deque of Decision
        The last decisions, newest last.
    """

    def __init__(
        self,
        client: Client,
        informers: Informers,
        clock: Clock,
        *,
        seed: int = 0,
        scoring_strategy: ScoringStrategy = "LeastAllocated",
        measures: Measures | None = None,
    ) -> None:
        self.client = client
        self.informers = informers
        self.clock = clock
        self.decisions: deque[Decision] = deque(maxlen=DECISIONS_KEPT)
        self.cache = Cache(seed, scoring_strategy)
        self.recorder = Recorder(client, clock)
        self._queue = SchedulingQueue(self._seconds)
        self._measures = SchedulerMeasures(measures or Measures(), self._queue, self._count_gated)
        self._feed = Feed(self.cache, self._queue, self._gated)
        self._binder = Binder(client, self._feed)
        self._listening = False

    async def run(self) -> None:
        """Schedule until cancelled; may be run again after it failed."""
        self._slots = asyncio.Semaphore(BINDINGS_IN_FLIGHT)
        self._writing: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            self._group = group
            if not self._listening:
                self._listening = True
                self._feed.subscribe(self.informers)
            await self.informers.start()
            self._take_back()
            group.create_task(self.recorder.run(), name="scheduler events")
            group.create_task(self._release_stale(), name="scheduler stale pods")
            await self._schedule_all()

    @staticmethod
    def _seconds() -> float:
        return asyncio.get_running_loop().time()

    def _take_back(self) -> None:
        for waiting in list(self._queue.pods.values()):
            if not waiting.place:
                self._give_up(waiting)

    async def _schedule_all(self) -> None:
        stretch = 0
        while True:
            await self._queue.wait()
            await self._slots.acquire()
            waiting = self._queue.next_ready()
            if waiting is None:
                self._slots.release()
                continue
            self._schedule(waiting)
            stretch += 1
            if stretch % DECISIONS_AT_A_STRETCH == 0:
                await asyncio.sleep(0)

    async def _release_stale(self) -> None:
        while True:
            await asyncio.sleep(STALE_CHECK_S)
            self._queue.release_stale()

    def _schedule(self, waiting: Waiting) -> None:
        began = self._seconds()
        decision = self.decide(waiting.pod)
        self.decisions.append(decision)
        if decision.node:
            self.cache.place(waiting.pod, decision.node, assumed=True)
            self.cache.nominate(waiting.pod, "")
            if decision.volumes:
                self._slots.release()
                self._group.create_task(self._bind(waiting, decision, began))
            else:
                self._group.create_task(self._bind(waiting, decision, began)).add_done_callback(
                    lambda _: self._slots.release()
                )
        else:
            self._slots.release()
            self._measures.tried(waiting, "unschedulable", self._seconds() - began)
            self._wait(waiting, decision)

    def decide(self, pod: PodInfo) -> Decision:
        """Return what the scheduler does with a pod as things are; changes nothing."""
        snapshot = self.cache.snapshot()
        decision = self.cache.rankings.decide(pod, snapshot)
        if decision.node or not decision.nodes:
            return decision
        return replace(decision, preemption=preempt(pod, snapshot, decision, self._budgets()))

    async def _bind(self, waiting: Waiting, decision: Decision, began: float) -> None:
        pod = waiting.pod
        if pod.uid in self._writing:
            await asyncio.wait([self._writing[pod.uid]])
        try:
            await self._binder.bind(pod, decision)
        except NotFoundError:
            self._measures.tried(waiting, "error", self._seconds() - began)
            self._give_up(waiting)
        except (ApiError, ConnectionFailedError, VolumesNotBoundError) as error:
            logger.debug("binding %s: %s", pod.key, error)
            self._measures.tried(waiting, "error", self._seconds() - began)
            self._give_up(waiting)
            self._tell(pod, "Warning", "FailedScheduling", str(error))
        else:
            self._measures.tried(waiting, "scheduled", self._seconds() - began)
            self._queue.remove(pod.uid)
            note = f"Successfully assigned {pod.namespace}/{pod.name} to {decision.node}"
            self._tell(pod, "Normal", "Scheduled", note, action="Binding")

    def _give_up(self, waiting: Waiting) -> None:
        if self.cache.is_assumed(waiting.pod.uid):
            self.cache.remove(waiting.pod.uid)
        self._queue.retry(waiting)

    def _wait(self, waiting: Waiting, decision: Decision) -> None:
        pod = waiting.pod
        self._queue.park(waiting, decision.plugins)
        self._tell(pod, "Warning", "FailedScheduling", decision.message)
        preemption = decision.preemption
        nominated = self.cache.nomination(pod.uid)
        if preemption is not None and preemption.node:
            self._make_room(pod, preemption.node, preemption.victims)
            nominated = preemption.node
        elif preemption is not None and "terminating pod" not in preemption.message:
            self.cache.nominate(pod, "")
            nominated = ""
        waiting.pod = replace(pod, nominated_node=nominated)
        self._mark(pod.key, "Unschedulable", decision.message, nominated)

    def _make_room(self, pod: PodInfo, node: str, victims: tuple[Key, ...]) -> None:
        for other in self.cache.nominated_on(node):
            if other.priority < pod.priority:
                self.cache.nominate(other, "")
                self._queue.activate(other.uid)
        self.cache.nominate(pod, node)
        for victim in victims:
            self._group.create_task(self._evict(victim, pod, node))

    async def _evict(self, victim: Key, pod: PodInfo, node: str) -> None:
        namespace, name = victim
        obj = self.informers.of(PODS).get(namespace, name)
        if obj is None:
            return
        uid = obj["metadata"]["uid"]
        message = f"{SCHEDULER_NAME}: preempting to accommodate a higher priority pod"
        status = disruption_target(message, rfc3339(self.clock.now()))
        try:
            await self._patch_status(victim, status)
            await self.client.delete(PODS, name, namespace, uid=uid)
        except (ApiError, ConnectionFailedError) as error:
            logger.debug("evicting %s: %s", victim, error)
            return
        note = f"Preempted by pod {pod.uid} on node {node}"
        self.recorder.record(Happening(victim, uid, "Normal", "Preempted", "Preempting", note))

    def _count_gated(self) -> int:
        return sum(map(is_gated, self.informers.of(PODS).objects.values()))

    def _gated(self, pod: Object) -> None:
        meta = pod["metadata"]
        key = (meta.get("namespace", ""), meta["name"])
        self._mark(key, GATED, GATED_MESSAGE, None)

    def _mark(self, key: Key, reason: str, message: str, nominated: str | None) -> None:
        pod = self.informers.of(PODS).get(*key)
        if pod is None:
            return
        status = not_scheduled(pod, reason, message, rfc3339(self.clock.now())) or {}
        if nominated is not None and nominated != (pod.get("status") or {}).get("nominatedNodeName", ""):
            status["nominatedNodeName"] = nominated or None
        if status:
            self._write(pod["metadata"]["uid"], self._try_status(key, status))

    async def _try_status(self, key: Key, status: Object) -> None:
        try:
            await self._patch_status(key, status)
        except (ApiError, ConnectionFailedError) as error:
            logger.debug("status of %s: %s", key, error)

    async def _patch_status(self, key: Key, status: Object) -> None:
        namespace, name = key
        await self.client.patch(
            PODS, name, {"status": status}, namespace, type="strategic", subresource="status"
        )

    def _write(self, uid: str, writing: Coroutine[None, None, None]) -> None:
        before = self._writing.get(uid)
        task = self._group.create_task(_after(before, writing))
        self._writing[uid] = task
        task.add_done_callback(lambda done: self._written(uid, done))

    def _written(self, uid: str, task: asyncio.Task[None]) -> None:
        if self._writing.get(uid) is task:
            del self._writing[uid]

    def _tell(self, pod: PodInfo, type: str, reason: str, note: str, action: str = "Scheduling") -> None:
        self.recorder.record(Happening(pod.key, pod.uid, type, reason, action, note))

    def _budgets(self) -> list[Budget]:
        return [Budget.of(each) for each in self.informers.of(BUDGETS).objects.values()]


async def _after(before: asyncio.Task[None] | None, writing: Coroutine[None, None, None]) -> None:
    if before is not None:
        await asyncio.wait([before])
    await writing
