"""Pods waiting for a node: ready to try, backing off, or unschedulable until something changes.

The three queues and their times are upstream's (``backend/queue/scheduling_queue.go``, v1.37).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from kubelab.scheduling.snapshot import PodInfo

INITIAL_BACKOFF_S = 1.0
"""``podInitialBackoffSeconds``."""
MAX_BACKOFF_S = 10.0
"""``podMaxBackoffSeconds``."""
MAX_UNSCHEDULABLE_S = 300.0
"""``DefaultPodMaxInUnschedulablePodsDuration``: after that a pod is tried again whatever happened."""


@dataclass(slots=True)
class Waiting:
    """A pod in the queue.

    Attributes
    ----------
    attempts : int
        How often it was tried in vain.
    plugins : frozenset of str
        The filters that rejected it last.
    tried_at : float
        When, on the queue's clock, in seconds.
    place : str
        ``active``, ``backoff``, ``unschedulable``, or empty while it is being tried.
    queued_at : float
        When it came into the queue, on the same clock.
    ticket : int
        Changes with its place: entries of the heaps with another number are void.
    """

    pod: PodInfo
    attempts: int = 0
    plugins: frozenset[str] = frozenset()
    tried_at: float = 0.0
    queued_at: float = 0.0
    place: str = ""
    ticket: int = 0

    @property
    def backoff_s(self) -> float:
        """How long to wait after the last try: 1 s, doubled with every try, at most 10 s."""
        if not self.attempts:
            return 0.0
        return min(INITIAL_BACKOFF_S * 2.0 ** min(self.attempts - 1, 10), MAX_BACKOFF_S)


class SchedulingQueue:
    """Hands out the most important pod that is ready; higher priority first, then first come.

    Parameters
    ----------
    now : callable
        Seconds on a clock that never goes back, such as the event loop's.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.pods: dict[str, Waiting] = {}
        self._unschedulable: dict[str, Waiting] = {}
        self._active: list[tuple[int, int, int, str]] = []
        self._backoff: list[tuple[float, int, str]] = []
        self._serials = itertools.count()
        self._changed = asyncio.Event()

    def add(self, pod: PodInfo) -> None:
        """Take a pod in, or what it has become; one that changed is tried again."""
        waiting = self.pods.get(pod.uid)
        if waiting is None:
            waiting = self.pods[pod.uid] = Waiting(pod, queued_at=self.now())
            self._activate(waiting)
            return
        waiting.pod = pod
        if waiting.place == "unschedulable":
            self.move(waiting)

    def refresh(self, pod: PodInfo) -> None:
        """Note what a pod has become, without a reason to try it again."""
        waiting = self.pods.get(pod.uid)
        if waiting is not None:
            waiting.pod = pod

    def remove(self, uid: str) -> None:
        """Forget a pod: it is placed, or gone."""
        waiting = self.pods.pop(uid, None)
        self._unschedulable.pop(uid, None)
        if waiting is not None:
            waiting.place = ""
            waiting.ticket += 1

    def next_ready(self) -> Waiting | None:
        """Return the pod to try now, or None."""
        self._release()
        while self._active:
            _, _, ticket, uid = heappop(self._active)
            waiting = self.pods.get(uid)
            if waiting is not None and waiting.ticket == ticket:
                waiting.place = ""
                return waiting
        return None

    async def wait(self) -> None:
        """Return once a pod may be ready."""
        while not self._ready_now():
            self._changed.clear()
            delay = self._backoff[0][0] - self.now() if self._backoff else None
            try:  # not wait_for: Python 3.11's swallows a cancellation that comes together with the change
                async with asyncio.timeout(delay):
                    await self._changed.wait()
            except TimeoutError:
                self._release()

    def park(self, waiting: Waiting, plugins: frozenset[str]) -> None:
        """Keep a pod that fits nowhere until something changes."""
        if self.pods.get(waiting.pod.uid) is not waiting:
            return
        self._failed(waiting, plugins)
        waiting.place = "unschedulable"
        self._unschedulable[waiting.pod.uid] = waiting

    def retry(self, waiting: Waiting) -> None:
        """Try a pod again after its back-off: placing it went wrong through no fault of its own."""
        if self.pods.get(waiting.pod.uid) is not waiting:
            return
        self._failed(waiting, frozenset())
        self.move(waiting)

    def unschedulable(self) -> list[Waiting]:
        """Return the pods that wait for something to change."""
        return list(self._unschedulable.values())

    def move(self, waiting: Waiting) -> None:
        """Let a pod be tried again, once its back-off is over."""
        self._unschedulable.pop(waiting.pod.uid, None)
        due = waiting.tried_at + waiting.backoff_s
        if due <= self.now():
            self._activate(waiting)
            return
        waiting.ticket += 1
        waiting.place = "backoff"
        heappush(self._backoff, (due, waiting.ticket, waiting.pod.uid))
        self._changed.set()

    def activate(self, uid: str) -> None:
        """Let a pod be tried again at once."""
        waiting = self.pods.get(uid)
        if waiting is not None and waiting.place in ("unschedulable", "backoff"):
            self._unschedulable.pop(uid, None)
            self._activate(waiting)

    def release_stale(self) -> None:
        """Let pods be tried again that have been unschedulable for long."""
        for waiting in self.unschedulable():
            if self.now() - waiting.tried_at > MAX_UNSCHEDULABLE_S:
                self.move(waiting)

    def _failed(self, waiting: Waiting, plugins: frozenset[str]) -> None:
        waiting.attempts += 1
        waiting.plugins = plugins
        waiting.tried_at = self.now()

    def _activate(self, waiting: Waiting) -> None:
        waiting.ticket += 1
        waiting.place = "active"
        entry = (-waiting.pod.priority, next(self._serials), waiting.ticket, waiting.pod.uid)
        heappush(self._active, entry)
        self._changed.set()

    def _release(self) -> None:
        while self._backoff and self._backoff[0][0] <= self.now():
            _, ticket, uid = heappop(self._backoff)
            waiting = self.pods.get(uid)
            if waiting is not None and waiting.ticket == ticket:
                self._activate(waiting)

    def _ready_now(self) -> bool:
        self._release()
        return bool(self._active)
