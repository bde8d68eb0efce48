"""Events live for an hour after they were last seen, as upstream's do (``--event-ttl``), and so many at most.

Upstream keeps them on disk; here they are in memory, and an hour of a busy cluster makes more of them than of
all else together.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from datetime import datetime, timedelta

from kubelab.client import EVENTS, Object
from kubelab.clock import Clock, parse_rfc3339
from kubelab.engine.apiserver.collection import Key
from kubelab.engine.apiserver.deletion import Deleter
from kubelab.engine.apiserver.deletion_options import DeleteOptions
from kubelab.engine.apiserver.objects import Objects
from kubelab.errors import NotFoundError

_TTL = timedelta(hours=1)
_PERIOD_S = 60
_TTL_PERIODS = 5
_MOST = 20_000
_AT_ONCE = 256
"""Deletions that share a commit."""


class EventExpiry:
    """Deletes events that are over, and the oldest ones where there are too many.

    Only events that were last written an hour ago, which their versions tell, are read.
    """

    def __init__(self, objects: Objects, deleter: Deleter, clock: Clock) -> None:
        self.objects = objects
        self.deleter = deleter
        self.clock = clock
        self._versions: deque[tuple[datetime, int]] = deque()
        self._old_version: int | None = None

    async def run(self) -> None:
        """Look every few minutes, until cancelled."""
        for number in itertools.count(1):
            await asyncio.sleep(_PERIOD_S)
            await self.trim()
            if number % _TTL_PERIODS == 0:
                await self.expire()

    async def trim(self) -> None:
        """Delete the events that were written longest ago, where there are too many."""
        events = self.objects.store.collection(EVENTS).objects
        excess = len(events) - _MOST
        if excess > 0:
            await self._delete(sorted(events, key=lambda key: events[key].version)[:excess])

    async def expire(self) -> None:
        """Delete the events that were last seen an hour ago or longer."""
        oldest = self.clock.now() - _TTL
        old_version = self._version_at(oldest)
        over: list[Key] = []
        for key, stored in self.objects.store.collection(EVENTS).objects.items():
            event = stored.object()
            if stored.version <= old_version and _last_seen(event) <= oldest:
                over.append(key)
            elif parse_rfc3339(event["metadata"]["creationTimestamp"]) > oldest:
                break  # they are kept as they came: all that follow are younger
        await self._delete(over)

    async def _delete(self, keys: list[Key]) -> None:
        kind = self.objects.kinds.get(EVENTS.group, EVENTS.version, EVENTS.plural)
        if kind is None:
            return

        async def remove(key: Key) -> None:
            with contextlib.suppress(NotFoundError):
                await self.deleter.remove(kind, key, DeleteOptions())

        for at in range(0, len(keys), _AT_ONCE):
            await asyncio.gather(*map(remove, keys[at : at + _AT_ONCE]))

    def _version_at(self, moment: datetime) -> int:
        """Return the version that the store had then, as far as is known: any event may be older at first."""
        version = self.objects.store.version
        if self._old_version is None:
            self._old_version = version
        self._versions.append((self.clock.now(), version))
        while self._versions[0][0] <= moment:
            self._old_version = self._versions.popleft()[1]
        return self._old_version


def _last_seen(event: Object) -> datetime:
    series = event.get("series") or {}
    times = (
        event["metadata"]["creationTimestamp"],
        event.get("lastTimestamp"),
        event.get("eventTime"),
        series.get("lastObservedTime"),
    )
    return max(parse_rfc3339(time) for time in times if time)
