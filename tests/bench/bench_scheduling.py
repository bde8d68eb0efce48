"""5,000 pods created over TLS and bound onto 1,000 bare nodes by the scheduler behind the API.

What is timed begins with the first create and ends when the API shows no pod without a node. The load
generator and the control plane are two processes; the numbers asked for are for two cores shared by both.
"""

from __future__ import annotations

import asyncio

import uvloop

from kubelab.clock import monotonic
from tests.bench.control_plane import control_plane
from tests.bench.figure import Figure, cpu_s, rss_mb
from tests.bench.load import Target
from tests.bench.objects import NODES, PODS, node, pod

NODE_COUNT = 1000
POD_COUNT = 5000
PENDING = f"{PODS}?fieldSelector=spec.nodeName%3D&limit=1"


def measure() -> list[Figure]:
    """Measure."""
    with control_plane("--scheduler") as (target, pid):
        before_s = cpu_s(pid)
        created_s, bound_s = uvloop.run(schedule(target))
        used_s = cpu_s(pid) - before_s
        note = f"created after {created_s:.1f} s, {used_s:.1f} s of processor time; kube-scheduler: 24.5 s"
        return [
            Figure("scheduling", "5,000 pods onto 1,000 nodes", 8.0, bound_s, "s", note=note),
            Figure("scheduling", "memory afterwards", None, rss_mb(pid), "MB"),
        ]


async def schedule(target: Target) -> tuple[float, float]:
    """Return how many seconds creating all pods took, and binding them all."""
    await target.send([target.request("POST", NODES, node(number)) for number in range(NODE_COUNT)])
    requests = [target.request("POST", PODS, pod(number)) for number in range(POD_COUNT)]
    started = monotonic()
    created_s = await target.send(requests)
    while (await target.get(PENDING))["items"]:  # noqa: ASYNC110 - asked from outside
        await asyncio.sleep(0.02)
    return created_s, monotonic() - started
