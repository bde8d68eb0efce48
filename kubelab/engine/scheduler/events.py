"""Events about scheduling, written behind the scheduler's back so that they never delay a placement.

They have the form that kube-scheduler's have (``events.k8s.io``, seen through the core API): an event
that happens again becomes a series of one Event instead of a new one.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from collections import OrderedDict
from dataclasses import dataclass, field

from kubelab.client import EVENTS, Client, Object
from kubelab.clock import Clock, rfc3339_micro
from kubelab.errors import ApiError, ConnectionFailedError, NotFoundError
from kubelab.scheduling.snapshot import Key

logger = logging.getLogger(__name__)

COMPONENT = "default-scheduler"
MAX_NOTE = 1024
"""``events.k8s.io`` refuses longer notes."""
QUEUED = 20_000
REMEMBERED = 4096
SERIES_S = 60.0
"""A series is written when it begins, and then at most this often."""
WRITERS = 4


@dataclass(frozen=True, slots=True)
class Happening:
    """What to tell about a pod."""

    pod: Key
    uid: str
    type: str
    reason: str
    action: str
    note: str
    related: Object | None = field(default=None, compare=False)


@dataclass(slots=True)
class _Series:
    name: str
    count: int = 1
    written_s: float = -SERIES_S

    def is_due(self, now_s: float) -> bool:
        return now_s - self.written_s >= SERIES_S


class Recorder:
    """Queues events and writes them; drops them when too many wait, as upstream's broadcaster does."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self.client = client
        self.clock = clock
        self._queue: asyncio.Queue[tuple[Happening, str]] = asyncio.Queue(QUEUED)
        self._known: OrderedDict[Happening, _Series] = OrderedDict()
        self._numbers = itertools.count()

    def record(self, happening: Happening) -> None:
        """Queue an event."""
        try:
            self._queue.put_nowait((happening, rfc3339_micro(self.clock.now())))
        except asyncio.QueueFull:
            logger.warning("too many events wait to be written; one about %s is dropped", happening.pod)

    async def run(self) -> None:
        """Write events until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(self._write_all(), name="scheduler events")

    async def _write_all(self) -> None:
        while True:
            happening, at = await self._queue.get()
            try:
                await self._write(happening, at)
            except (ApiError, ConnectionFailedError) as error:
                logger.debug("event about %s: %s", happening.pod, error)

    async def _write(self, happening: Happening, at: str) -> None:
        series = self._known.get(happening)
        if series is not None:
            series.count += 1
            now_s = asyncio.get_running_loop().time()
            if not series.is_due(now_s):
                return
            series.written_s = now_s
            patch = {"series": {"count": series.count, "lastObservedTime": at}}
            try:
                await self.client.patch(EVENTS, series.name, patch, happening.pod[0], type="merge")
            except NotFoundError:
                del self._known[happening]
            else:
                return
        event = self._event(happening, at)
        if happening.type == "Warning":
            self._remember(happening, event["metadata"]["name"])
        await self.client.create(EVENTS, event)

    def _remember(self, happening: Happening, name: str) -> None:
        self._known[happening] = _Series(name)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _event(self, happening: Happening, at: str) -> Object:
        namespace, name = happening.pod
        stamp = int(self.clock.now().timestamp() * 1_000_000) * 1000 + next(self._numbers) % 1000
        event: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name}.{stamp:x}", "namespace": namespace},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Pod",
                "namespace": namespace,
                "name": name,
                "uid": happening.uid,
            },
            "type": happening.type,
            "reason": happening.reason,
            "action": happening.action,
            "message": happening.note[:MAX_NOTE],
            "eventTime": at,
            "reportingComponent": COMPONENT,
            "reportingInstance": f"{COMPONENT}-{socket.gethostname()}",
        }
        if happening.related:
            event["related"] = happening.related
        return event
