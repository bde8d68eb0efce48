"""How long a change takes until every one of many watches has told of it."""

from __future__ import annotations

import asyncio
import math

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

    All watches are read by this one process, whose parsing is part of what is measured.
    """
    made = await site.client.create(CONFIG_MAPS, objects.config_map(_NAME), site.namespace)
    watchers = [_Watcher() for _ in range(site.load.watchers)]
    version = made["metadata"]["resourceVersion"]
    tasks = [asyncio.create_task(each.follow(site, version)) for each in watchers]
    try:
        sent_s = [await _change(site, str(turn), watchers) for turn in range(1, site.load.changes + 1)]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    samples = tuple(
        each.seen_s.get(str(turn), math.inf) - sent
        for turn, sent in enumerate(sent_s, 1)
        for each in watchers
    )
    return Finding(WATCH, f"{site.load.watchers} watches", samples)


async def _change(site: Site, turn: str, watchers: list[_Watcher]) -> float:
    sent = monotonic()
    await site.client.patch(CONFIG_MAPS, _NAME, {"data": {"turn": turn}}, site.namespace)
    waiting = [asyncio.create_task(each.wait_for(turn)) for each in watchers]
    _, late = await asyncio.wait(waiting, timeout=_LOST_S)
    for task in late:
        task.cancel()
    return sent
