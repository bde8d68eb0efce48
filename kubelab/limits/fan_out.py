"""How long a change takes until every one of many watches has told of it."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress

from kubelab.client import CONFIG_MAPS
from kubelab.clock import monotonic
from kubelab.limits import load as objects
from kubelab.limits.site import Site
from kubelab.limits.slos import WATCH
from kubelab.limits.verdict import Finding

_NAME = "watched"
_LOST_S = 10.0


class _Watcher:
    """One watch, and when it told of each turn."""

    def __init__(self) -> None:
        self.seen_s: dict[str, float] = {}
        self.latest = asyncio.Event()

    async def follow(self, site: Site, version: str) -> None:
        async for found in site.changes(CONFIG_MAPS, version):
            if found["metadata"]["name"] == _NAME:
                self.seen_s.setdefault(found["data"]["turn"], monotonic())
                self.latest.set()

    async def wait_for(self, turn: str) -> None:
        while turn not in self.seen_s:
            self.latest.clear()
            await self.latest.wait()


async def time_watches(site: Site) -> Finding:
    """Change one object again and again, and time from each request until each watch has told.

    All watches are read by this one process, whose parsing is part of what is measured; that they have to
    be opened is not: a first change, which is not timed, waits for all of them.

    Raises
    ------
    KubelabError
        What the first watch that failed says.
    """
    made = await site.client.create(CONFIG_MAPS, objects.config_map(_NAME), site.namespace)
    watchers = [_Watcher() for _ in range(site.load.watchers)]
    version = made["metadata"]["resourceVersion"]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each.follow(site, version)) for each in watchers]
            await _change(site, "open", watchers, site.load.timeout_s)
            turns = [str(turn) for turn in range(1, site.load.changes + 1)]
            sent_s = {turn: await _change(site, turn, watchers, _LOST_S) for turn in turns}
            for task in tasks:
                task.cancel()
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    samples = tuple(
        each.seen_s.get(turn, math.inf) - sent for turn, sent in sent_s.items() for each in watchers
    )
    return Finding(WATCH, f"{site.load.watchers} watches", samples)


async def _change(site: Site, turn: str, watchers: list[_Watcher], timeout_s: float) -> float:
    """Change the object, wait until all have told of it or the time has passed; return when it was sent."""
    sent = monotonic()
    await site.client.patch(CONFIG_MAPS, _NAME, {"data": {"turn": turn}}, site.namespace)
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            for each in watchers:
                await each.wait_for(turn)
    return sent
