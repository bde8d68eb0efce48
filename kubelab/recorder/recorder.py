"""`Recorder`: follows the jobs and sweeps of a cluster, and keeps them as runs until all have ended."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from kubelab.client import TRIALS, Client, Object, Resource
from kubelab.clock import Clock, monotonic
from kubelab.errors import ApiError, ConnectionFailedError, NotFoundError
from kubelab.informer import Informers
from kubelab.lineage import TrackingError
from kubelab.lineage.record import milliseconds
from kubelab.lineage.store import Store
from kubelab.recorder.followed import Followed, follow
from kubelab.training.recorded import RECORDED, has_ended, is_recorded

logger = logging.getLogger(__name__)

_PACE_S = 5.0
_SHARE = 20
"""A round that took a second is followed by at least so many of rest: logs are read from their beginning."""
_IDLE_S = 60.0


class Recorder:
    """Records everything on a cluster.

    Parameters
    ----------
    client : Client
        The cluster's API.
    folder : Path
        The cluster's private folder.
    clock : Clock
        What time it is.
    idle_s : float
        For how long nothing may have happened before it ends.
    """

    def __init__(self, client: Client, folder: Path, clock: Clock, *, idle_s: float = _IDLE_S) -> None:
        self.client = client
        self.folder = folder
        self.clock = clock
        self.idle_s = idle_s
        self._followed: dict[str, Followed] = {}
        self._gone: dict[str, Followed] = {}
        self._news = asyncio.Event()
        self._informers = Informers(client)

    async def run(self) -> None:
        """Record until everything has ended and is kept, and nothing new comes."""
        for resource in RECORDED:
            self._informers.of(resource).subscribe(
                lambda old, new, resource=resource: self._on_change(resource, old, new)  # type: ignore[misc]
            )
        self._informers.of(TRIALS)
        await self._informers.start()
        try:
            store = await asyncio.to_thread(Store, self.folder)
            await self._catch_up(store)
            await self._record_all(store)
        finally:
            await self._informers.stop()

    def _on_change(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        obj = new or old
        if obj is None or not is_recorded(resource, obj):
            return
        uid = obj["metadata"]["uid"]
        if new is None:
            if (gone := self._followed.pop(uid, None)) is not None:
                self._gone[uid] = gone
                self._news.set()
            return
        if uid not in self._followed:
            self._followed[uid] = follow(self.client, resource, new)
            self._news.set()
        followed = self._followed[uid]
        ended = has_ended(new)
        if ended != followed.ended:
            self._news.set()
        if old is not None and (not ended or not followed.ended):
            followed.settled = False
        followed.ended = ended

    async def _catch_up(self, store: Store) -> None:
        """Take note of what was kept before, and of what was deleted while nobody recorded."""
        for experiment in {each.experiment for each in self._followed.values()}:
            kept = await asyncio.to_thread(store.ended, experiment)
            for each in self._followed.values():
                each.settled = each.settled or (each.ended and each.uid in kept)
        if store.is_own:
            there = {
                obj["metadata"]["uid"]
                for resource in (*RECORDED, TRIALS)
                for obj in self._informers.of(resource).objects.values()
            }
            await asyncio.to_thread(store.end_all_but, there, milliseconds(self.clock.now()))

    async def _record_all(self, store: Store) -> None:
        busy_s = monotonic()
        while True:
            self._news.clear()
            began_s = monotonic()
            if await self._round(store):
                busy_s = monotonic()
            elif monotonic() - busy_s > self.idle_s:
                return
            pace_s = min(self.idle_s, max(_PACE_S, _SHARE * (monotonic() - began_s)))
            try:
                await asyncio.wait_for(self._news.wait(), pace_s)
            except TimeoutError:
                continue

    async def _round(self, store: Store) -> bool:
        """Record what is not settled; say whether there was anything."""
        open_ones = [each for each in self._followed.values() if not each.settled]
        for each in open_ones:
            await self._record(store, each)
        gone, self._gone = self._gone, {}
        for uid, each in gone.items():
            await asyncio.to_thread(store.end, each.experiment, uid, milliseconds(self.clock.now()))
        return bool(open_ones or gone)

    async def _record(self, store: Store, each: Followed) -> None:
        try:
            settled = await asyncio.to_thread(store.settled, each.experiment, each.uid)
            records = await each.records(self.clock.now(), settled)
            for record in records:
                await asyncio.to_thread(store.record, record)
            each.settled = all(record.has_ended for record in records)
        except NotFoundError:  # the watch will tell, too
            return
        except (ApiError, ConnectionFailedError, TrackingError) as error:
            logger.warning("%s: %s", each.uid, error)
