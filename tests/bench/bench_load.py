"""Three minutes of steady work over TLS: 1,000 simulated nodes, 10,000 pods, 50 watchers.

Five times a second a Job comes, a pod is annotated and a pod is deleted, which its Job replaces. Latencies
are what the client sees; it shares the machine with the cluster. The warm-up lasts until what is bounded is
full: histories keep the changes of two minutes, and of events the newest 20,000 stay, looked at each minute.
tests/faults/test_load.py goes on for hours, on virtual time.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, quantiles

from kubelab.client import JOBS, NODES, PODS, Client, Object
from kubelab.clock import monotonic
from kubelab.errors import NotFoundError
from kubelab.http import HttpTransport, Kubeconfig
from kubelab.node_template import NodeTemplate, simulated_nodes
from tests.bench.figure import Figure, rss_mb
from tests.bench.lab import home, lab

NODE_COUNT = 1000
JOB_COUNT, PODS_PER_JOB = 500, 20
WATCHERS = 50
ROUNDS_PER_S = 5
WARM_UP_S, MEASURED_S = 150.0, 180.0
ENDS_S = 20.0
"""Memory is the mean of so many seconds, at the beginning and at the end."""


@dataclass
class Seen:
    """What was measured: seconds for each mutating call, and (time, MB) of the cluster."""

    calls_s: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    watched_bytes: int = 0


def measure() -> list[Figure]:
    """Measure."""
    with home() as where, lab(where, "--no-warm", name="load") as running:
        seen = asyncio.run(_load(where / "load" / "kubeconfig", running.pid))
    began, ended = seen.memory[0][0], seen.memory[-1][0]
    first = mean(mb for at, mb in seen.memory if at <= began + ENDS_S)
    last = mean(mb for at, mb in seen.memory if at >= ended - ENDS_S)
    p50, p99 = (1000 * quantiles(seen.calls_s, n=100)[part] for part in (49, 98))
    sizes = f"{first:.0f} MB, then {last:.0f}"
    return [
        Figure(
            "load", "mutating calls, p99", 100, p99, "ms", note=f"{len(seen.calls_s):,}; p50 {p50:.1f} ms"
        ),
        Figure("load", "memory, beside three minutes before", 1.05, last / first, "x", note=sizes),
        Figure("load", "watched", None, seen.watched_bytes / 1e6, "MB", note=f"by {WATCHERS} watchers"),
    ]


async def _load(kubeconfig: Path, pid: int) -> Seen:
    client = Client(HttpTransport(Kubeconfig.load(kubeconfig, None)))
    seen = Seen()
    try:
        await _fill(client)
        watchers = [asyncio.create_task(_watch(client, number, seen)) for number in range(WATCHERS)]
        await _churn(client, pid, WARM_UP_S, Seen())
        await _churn(client, pid, MEASURED_S, seen)
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
    finally:
        await client.close()
    return seen


async def _fill(client: Client) -> None:
    nodes = simulated_nodes(NODE_COUNT, NodeTemplate(), ())
    jobs = [_job(f"steady-{number}", PODS_PER_JOB, 3600) for number in range(JOB_COUNT)]
    for resource, objects in ((NODES, nodes), (JOBS, jobs)):
        for some in _batched(objects, 50):
            await asyncio.gather(*(client.create(resource, each) for each in some))
    while await _running(client) < JOB_COUNT * PODS_PER_JOB:  # noqa: ASYNC110 - asked from outside
        await asyncio.sleep(1)


async def _running(client: Client) -> int:
    return len((await client.list(PODS, field_selector="status.phase=Running")).items)


def _batched(objects: list[Object], count: int) -> list[list[Object]]:
    return [objects[at : at + count] for at in range(0, len(objects), count)]


async def _watch(client: Client, number: int, seen: Seen) -> None:
    query = {"watch": "true", "allowWatchBookmarks": "true"}
    path = (PODS, NODES, JOBS)[number % 3].path()
    async with aclosing(client.transport.stream("GET", path, query)) as chunks:
        async for chunk in chunks:
            seen.watched_bytes += len(chunk)


async def _churn(client: Client, pid: int, duration_s: float, seen: Seen) -> None:
    pods = (await client.list(PODS, "default", limit=2000)).items
    names = [pod["metadata"]["name"] for pod in pods]
    began = monotonic()
    for number in itertools.count():
        if monotonic() - began > duration_s:
            return
        at = f"{began:.0f}-{number}"
        annotation = {"metadata": {"annotations": {"round": at}}}
        await asyncio.gather(
            _timed(seen, client.create(JOBS, _job(f"short-{at}", 1, 10))),
            _timed(seen, client.patch(PODS, names[-1 - number % 500], annotation, "default")),
            _timed(seen, client.delete(PODS, names[number % 1000], "default")),
        )
        if number % ROUNDS_PER_S == 0:
            seen.memory.append((monotonic(), rss_mb(pid)))
        await asyncio.sleep(max(0.0, began + (number + 1) / ROUNDS_PER_S - monotonic()))


async def _timed(seen: Seen, call: Awaitable[Object]) -> None:
    began = monotonic()
    try:
        await call
    except NotFoundError:  # its pod had ended
        return
    seen.calls_s.append(monotonic() - began)


def _job(name: str, pods: int, run_s: float) -> Object:
    annotations = {"simulated.kubelab.dev/run-duration": str(run_s)}
    container = {"name": "main", "image": "example", "resources": {"requests": {"cpu": "100m"}}}
    spec = {
        "restartPolicy": "Never",
        "containers": [container],
        "nodeSelector": {"type": "kwok"},
        "tolerations": [{"operator": "Exists"}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "completions": pods,
            "parallelism": pods,
            "backoffLimit": 1000,
            "ttlSecondsAfterFinished": 5,
            "template": {"metadata": {"annotations": annotations}, "spec": spec},
        },
    }
