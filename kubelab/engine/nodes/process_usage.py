"""What the process node and its pods use: the machine's busy time, and the supervisors' samples."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from kubelab.client import Object
from kubelab.clock import Clock
from kubelab.engine.nodes.node_object import read_machine
from kubelab.engine.usage import NodeUsage, PodUsage, Usage

_TICKS = os.sysconf("SC_CLK_TCK")
_PERIOD_S = 5.0
_STALE_S = 20.0
"""A container without a sample for so long has ended."""


@dataclass(frozen=True, slots=True)
class _Reading:
    at: datetime
    cpu_s: float
    memory_bytes: int


class ProcessUsage:
    """A `UsageSource` of one process node.

    Parameters
    ----------
    pods : callable
        The node's live pods, each with its directory.
    """

    def __init__(
        self, name: str, state_dir: Path, clock: Clock, pods: Callable[[], Iterable[tuple[Object, Path]]]
    ) -> None:
        self.name = name
        self._state_dir = state_dir
        self._clock = clock
        self._pods = pods
        self._readings: tuple[_Reading, ...] = ()

    async def run(self) -> None:
        """Read the machine now and then, until cancelled."""
        while True:
            self._readings = (*self._readings[-1:], self._read())
            await asyncio.sleep(_PERIOD_S)

    def nodes(self) -> Iterable[NodeUsage]:
        """Return what the machine uses, once it has been read twice."""
        if len(self._readings) < 2:
            return
        before, after = self._readings
        window_s = (after.at - before.at).total_seconds()
        if window_s > 0:
            cpu = max(int((after.cpu_s - before.cpu_s) / window_s * 1e9), 0)
            yield NodeUsage(self.name, Usage(cpu, after.memory_bytes), after.at, window_s)

    def pods(self) -> Iterable[PodUsage]:
        """Return what running pods use, once each of their containers has been sampled twice."""
        now = self._clock.now()
        for pod, directory in list(self._pods()):
            samples: list[dict[str, Any]] = []
            with contextlib.suppress(OSError, orjson.JSONDecodeError):
                samples = orjson.loads((directory / "usage.json").read_bytes())
            meta = pod["metadata"]
            found = pod_usage(meta["namespace"], meta["name"], samples, now)
            if found is not None:
                yield found

    def _read(self) -> _Reading:
        machine = read_machine(self._state_dir)
        used = machine.memory_bytes - min(machine.available_memory_bytes, machine.memory_bytes)
        return _Reading(self._clock.now(), busy_s(Path("/proc/stat").read_text()), used)


def pod_usage(namespace: str, name: str, samples: Sequence[dict[str, Any]], now: datetime) -> PodUsage | None:
    """Return what a pod uses by the last two samples of each container; None if one has only one."""
    recent = [each for each in samples if now.timestamp() - each["time"] <= _STALE_S]
    containers: dict[str, Usage] = {}
    end, window_s = 0.0, 0.0
    for container in dict.fromkeys(each["container"] for each in recent):
        own = [each for each in samples if each["container"] == container][-2:]
        if len(own) < 2 or own[1]["cpu_s"] < own[0]["cpu_s"] or own[1]["time"] <= own[0]["time"]:
            return None
        elapsed_s = own[1]["time"] - own[0]["time"]
        cpu = int((own[1]["cpu_s"] - own[0]["cpu_s"]) / elapsed_s * 1e9)
        containers[container] = Usage(cpu, own[1]["memory_bytes"])
        end, window_s = max(end, own[1]["time"]), max(window_s, elapsed_s)
    if not containers:
        return None
    return PodUsage(namespace, name, containers, datetime.fromtimestamp(end, UTC), window_s)


def busy_s(proc_stat: str) -> float:
    """Return for how many seconds the CPUs that this process may use were busy since the machine started."""
    cpus = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    ticks = 0
    for line in proc_stat.splitlines():
        name, *fields = line.split()
        if name in cpus:
            user, nice, system, _idle, _iowait, irq, softirq, *rest = map(int, fields)
            ticks += user + nice + system + irq + softirq + (rest[0] if rest else 0)
    return ticks / _TICKS
