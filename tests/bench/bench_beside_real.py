"""kubelab's API server and scheduler beside the real ones: the same load, one after the other.

Nothing is measured where the real programs are not present (``make realapi``). The real scheduler may send
as many requests as it likes, and the real API server turns none away.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import uvloop

from kubelab.clock import monotonic
from tests.bench.bench_scheduling import schedule
from tests.bench.control_plane import control_plane, real_control_plane
from tests.bench.figure import Figure, rss_mb
from tests.bench.load import Target
from tests.bench.objects import PODS, pod
from tests.realapi import build

COUNT = 10_000
LISTS = 5


@dataclass(frozen=True, slots=True)
class Side:
    """What one side achieved."""

    start_s: float
    creates: float
    gets: float
    list_s: float
    memory_mb: float
    bound_s: float


def measure() -> list[Figure]:
    """Measure both sides."""
    try:
        build.assets()
    except build.UnavailableError as error:
        print(f"not measured beside the real control plane: {error}", file=sys.stderr)
        return []
    ours, real = _side(_ours), _side(real_control_plane)
    return [
        _more("durable pod creates", 4, ours.creates, real.creates, "/s"),
        _more("gets", 3, ours.gets, real.gets, "/s"),
        _less("list of 10,000 pods", 5, ours.list_s, real.list_s, "s"),
        _less("5,000 pods onto 1,000 nodes", 3, ours.bound_s, real.bound_s, "s"),
        _less("memory at 10,000 pods", 4, ours.memory_mb, real.memory_mb, "MB"),
        _less("start", 3, ours.start_s, real.start_s, "s"),
    ]


@contextmanager
def _ours(*options: str) -> Iterator[tuple[Target, list[int]]]:
    with control_plane(*options) as (target, pid):
        yield target, [pid]


def _side(run: Callable[..., AbstractContextManager[tuple[Target, list[int]]]]) -> Side:
    started = monotonic()
    with run() as (target, pids):
        start_s = monotonic() - started
        creates, gets, list_s = uvloop.run(_load(target))
        memory_mb = sum(map(rss_mb, pids))
    with run("--scheduler") as (target, _):
        _, bound_s = uvloop.run(schedule(target))
    return Side(start_s, creates, gets, list_s, memory_mb, bound_s)


async def _load(target: Target) -> tuple[float, float, float]:
    create_s = await target.send([target.request("POST", PODS, pod(number)) for number in range(COUNT)])
    gets = [target.request("GET", f"{PODS}/pod-{number:05}") for number in range(COUNT)]
    get_s = await target.send(gets)
    list_s = min([await target.send([target.request("GET", "/api/v1/pods")]) for _ in range(LISTS)])
    return COUNT / create_s, COUNT / get_s, list_s


def _more(name: str, times: float, ours: float, real: float, unit: str) -> Figure:
    note = f"kubelab {ours:,.0f} {unit}, real {real:,.0f} {unit}"
    return Figure("beside the real one", name, times, ours / real, "x", at_least=True, note=note)


def _less(name: str, times: float, ours: float, real: float, unit: str) -> Figure:
    note = f"kubelab {ours:,.3g} {unit}, real {real:,.3g} {unit}"
    return Figure("beside the real one", name, times, real / ours, "x less", at_least=True, note=note)
