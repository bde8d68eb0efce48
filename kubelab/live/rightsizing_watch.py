"""`RightsizingWatch`: a cluster's requests beside what is used and recommended, read again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from kubelab.clock import monotonic
from kubelab.live.rightsizing_snapshot import Name, RightsizingSnapshot, name_of, rightsizing_snapshot
from kubelab.rightsizing.plan import AppliedChanges, Plan

if TYPE_CHECKING:
    from kubelab.cluster import Cluster
    from kubelab.rightsizing.rightsizing import Rightsizing
    from kubelab.usage.series import UsageSource

NODES_BY_NAME = "kubernetes.io/hostname"
_SOONEST_S = 0.5
_LATEST_S = 5.0
"""Use is sampled every fifteen seconds or so, and nothing tells when."""
_REST = 3.0
"""How many times as long as it took to read all is rested after it: large clusters are read less often."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to recommend by; the parameters of `Cluster.rightsize`, and of a plan."""

    strategy: str = "adaptive"
    scope: str | None = None
    namespace: str | None = None
    window: timedelta | None = None
    source: UsageSource | None = None
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, and what it takes to act on it.

    Attributes
    ----------
    question : Question
        What was asked for.
    snapshot : RightsizingSnapshot
    plan : Plan
        All changes.
    applied : AppliedChanges
        Those made before.
    """

    question: Question
    snapshot: RightsizingSnapshot
    plan: Plan
    applied: AppliedChanges

    def plan_of(self, name: Name) -> Plan:
        """Return the plan of one group of containers alone."""
        return replace(self.plan, changes=tuple(each for each in self.plan.changes if name_of(each) == name))

    def applied_to(self, namespace: str, obj: str, container: str) -> AppliedChanges:
        """Return the change that was made of one container of an object such as ``deployment/web``."""
        found = tuple(
            each
            for each, row in zip(self.applied.applied, self.snapshot.applied, strict=True)
            if (row.namespace, row.object, row.container) == (namespace, obj, container)
        )
        return replace(self.applied, applied=found)


def ask(cluster: Cluster, question: Question) -> Answer:
    """Read a cluster; it takes as long as the source of use does, and must not run on the portal's loop."""
    found = cluster.rightsize(
        question.strategy,
        scope=question.scope,
        namespace=question.namespace,
        window=question.window,
        source=question.source,
    )
    plan = found.plan(in_place=question.in_place)
    applied = cluster.rightsized(question.namespace)
    by_node = _by_node(cluster, question, found)
    return Answer(question, rightsizing_snapshot(found, plan, by_node, applied), plan, applied)


def _by_node(cluster: Cluster, question: Question, found: Rightsizing) -> Rightsizing | None:
    if question.scope == NODES_BY_NAME:
        return found
    if not any(row.group.key.controller_kind == "DaemonSet" for row in found.rows):
        return None
    return cluster.rightsize(
        question.strategy,
        scope=NODES_BY_NAME,
        namespace=question.namespace,
        window=question.window,
        source=question.source,
    )


class RightsizingWatch:
    """Reads a cluster on a thread whenever it is told to, and every few seconds.

    Belongs to the loop that `start` runs on.

    Parameters
    ----------
    read : callable
        Called on a thread, such as `ask` with its arguments.
    on_answer : callable
        Called on the loop with what it returned, or with the error that it raised.
    """

    def __init__(
        self,
        read: Callable[[], Answer],
        on_answer: Callable[[Answer | Exception], None],
        *,
        soonest_s: float = _SOONEST_S,
        latest_s: float = _LATEST_S,
    ) -> None:
        self._read = read
        self._on_answer = on_answer
        self._soonest_s = soonest_s
        self._latest_s = latest_s
        self._told = asyncio.Event()
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to read, the first time after a while or once it is told to."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Read no more; returns once a reading under way is over."""
        self._ended.set()
        self._told.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def tell(self) -> None:
        """Have it read soon: time has passed in the cluster, or something was asked or changed."""
        self._told.set()

    async def _run(self) -> None:
        rest_s = self._soonest_s
        while not await self._wait(self._ended, rest_s):
            await self._wait(self._told, self._latest_s)
            self._told.clear()
            if self._ended.is_set():
                return
            began = monotonic()
            answer = await asyncio.to_thread(self._answer)
            if not self._ended.is_set():
                self._on_answer(answer)
            rest_s = max(self._soonest_s, _REST * (monotonic() - began))

    def _answer(self) -> Answer | Exception:
        try:
            return self._read()
        except Exception as error:  # noqa: BLE001 - on a thread nobody else sees it; whoever listens shows it
            return error

    async def _wait(self, event: asyncio.Event, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)
        return event.is_set()
