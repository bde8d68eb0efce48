"""How fast pods start: at a steady pace, which the objective is about, and all at once."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from kubelab.client import PODS, Object
from kubelab.clock import monotonic
from kubelab.limits.site import Site, allowed
from kubelab.limits.verdict import quantile

_AT_ONCE = 50
"""How many requests are under way at once in a burst."""
_WINDOW_S = 1.0


@dataclass(frozen=True, slots=True)
class Starts:
    """When pods were created, bound and started, by this process' clock.

    Attributes
    ----------
    created_s : dict
        Seconds at which the request was sent, by pod.
    scheduled_s, started_s : dict
        Seconds at which a watch told that the pod has a node, and that all its containers have started.
    calls_s : list of float
        How long each creation took.
    waits_for : dict
        What a pod that has not started waits for, as its status says, by pod.
    told : asyncio.Event
        Set whenever a watch told of a pod.
    """

    created_s: dict[str, float] = field(default_factory=dict)
    scheduled_s: dict[str, float] = field(default_factory=dict)
    started_s: dict[str, float] = field(default_factory=dict)
    calls_s: list[float] = field(default_factory=list)
    waits_for: dict[str, str] = field(default_factory=dict)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, pod: Object, now: float) -> None:
        """Take in what a watch told of a pod."""
        name = pod["metadata"]["name"]
        if pod["spec"].get("nodeName"):
            self.scheduled_s.setdefault(name, now)
        if _has_started(pod):
            self.started_s.setdefault(name, now)
            self.waits_for.pop(name, None)
        elif reason := _waits_for(pod):
            self.waits_for[name] = reason
        self.told.set()

    def start_latency_s(self) -> tuple[float, ...]:
        """Return how long each pod took; infinite for one that did not start."""
        return _since(self.created_s, self.started_s)

    def scheduling_latency_s(self) -> tuple[float, ...]:
        """Return how long each pod had no node; infinite for one that got none."""
        return _since(self.created_s, self.scheduled_s)

    @property
    def why(self) -> str:
        """What most pods that have not started wait for; "" if all have, or none says."""
        return Counter(self.waits_for.values()).most_common(1)[0][0] if self.waits_for else ""

    @property
    def throughput(self) -> Throughput:
        """How many pods a second were scheduled."""
        return Throughput.of(list(self.scheduled_s.values()), min(self.created_s.values(), default=0.0))


@dataclass(frozen=True, slots=True)
class Throughput:
    """Pods scheduled a second while all of them wait.

    Attributes
    ----------
    pods : int
        How many were scheduled.
    mean_per_s : float
        Over the time from the first request until the last pod had a node; NaN if none had one.
    median_per_s, peak_per_s : float
        Of whole windows of a second each, as clusterloader2's SchedulingThroughput has them (of five
        seconds); NaN if it took less than one.
    """

    pods: int
    mean_per_s: float
    median_per_s: float
    peak_per_s: float

    @staticmethod
    def of(scheduled_s: list[float], began_s: float) -> Throughput:
        """Return it from when each pod was scheduled and when the first was asked for."""
        if not scheduled_s:
            return Throughput(0, math.nan, math.nan, math.nan)
        whole_s = max(scheduled_s) - began_s
        windows = Counter(int((moment - began_s) // _WINDOW_S) for moment in scheduled_s)
        per_s = [windows[place] / _WINDOW_S for place in range(int(whole_s // _WINDOW_S))]
        mean = len(scheduled_s) / whole_s if whole_s else math.nan
        return Throughput(len(scheduled_s), mean, quantile(per_s, 0.5), max(per_s, default=math.nan))


async def start_steadily(site: Site) -> Starts:
    """Start pods at the load's pace and wait for them."""
    load = site.load
    async with _watched(site, "steady") as starts:
        await asyncio.gather(
            *(_create(site, f"steady-{each}", starts, each / load.pods_per_s) for each in range(load.pods))
        )
        await _wait(starts, load.timeout_s)
    return starts


async def start_at_once(site: Site) -> Starts:
    """Start as many pods again, as fast as the API takes them."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def create(number: int) -> None:
        async with gate:
            await _create(site, f"burst-{number}", starts)

    async with _watched(site, "burst") as starts:
        await asyncio.gather(*(create(number) for number in range(site.load.pods)))
        await _wait(starts, site.load.timeout_s)
    return starts


async def _create(site: Site, name: str, starts: Starts, after_s: float = 0.0) -> None:
    await asyncio.sleep(after_s)
    starts.created_s[name] = began = monotonic()
    await allowed("create pods", site.client.create(PODS, site.pod(name), site.namespace))
    starts.calls_s.append(monotonic() - began)


@asynccontextmanager
async def _watched(site: Site, prefix: str) -> AsyncIterator[Starts]:
    starts = Starts()
    version = (await site.client.list(PODS, site.namespace)).resource_version
    watching = asyncio.create_task(_watch(site, version, prefix, starts))
    try:
        yield starts
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(site: Site, version: str, prefix: str, starts: Starts) -> None:
    async for pod in site.changes(PODS, version):
        if pod["metadata"]["name"].startswith(prefix):
            starts.note(pod, monotonic())


async def _wait(starts: Starts, timeout_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while len(starts.started_s) < len(starts.created_s):
                starts.told.clear()
                await starts.told.wait()


def _has_started(pod: Object) -> bool:
    """Say whether all containers have run, as the objective's definition has it: also those that ended."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    if len(statuses) < len(pod["spec"]["containers"]):
        return False
    return all({"running", "terminated"} & (each.get("state") or {}).keys() for each in statuses)


def _waits_for(pod: Object) -> str:
    """Return the reason and message of a container that waits, or of a pod that has no node."""
    status = pod.get("status") or {}
    states = [each.get("state") or {} for each in status.get("containerStatuses") or []]
    conditions = [
        each
        for each in status.get("conditions") or []
        if (each["type"], each["status"]) == ("PodScheduled", "False")
    ]
    for found in (*(state["waiting"] for state in states if state.get("waiting")), *conditions):
        if found.get("reason"):
            return ": ".join(filter(None, (found["reason"], found.get("message"))))
    return ""


def _since(earlier: dict[str, float], later: dict[str, float]) -> tuple[float, ...]:
    return tuple(later[name] - moment if name in later else math.inf for name, moment in earlier.items())
