"""The API server's figures: durable creates, gets and a long list over TLS, and memory.

The journal is in the folder for temporary files, so creates are as durable as its disk is.
"""

from __future__ import annotations

import uvloop

from tests.bench.control_plane import control_plane
from tests.bench.figure import Figure, rss_mb
from tests.bench.load import Target
from tests.bench.objects import PODS, pod

COUNT = 10_000
LISTS = 5


def measure() -> list[Figure]:
    """Measure."""
    with control_plane() as (target, pid):
        return uvloop.run(_measure(target, pid))


async def _measure(target: Target, pid: int) -> list[Figure]:
    idle_mb = rss_mb(pid)
    create_s = await target.send([target.request("POST", PODS, pod(number)) for number in range(COUNT)])
    gets = [target.request("GET", f"{PODS}/pod-{number:05}") for number in range(COUNT)] * 2
    get_s = await target.send(gets)
    list_s = min([await target.send([target.request("GET", "/api/v1/pods")]) for _ in range(LISTS)])
    note = "kube-apiserver and etcd: "
    return [
        Figure("API", "durable pod creates", 4000, COUNT / create_s, "/s", True, f"{note}1,030/s"),
        Figure("API", "gets", 10_000, len(gets) / get_s, "/s", True, f"{note}3,008/s"),
        Figure("API", "list of 10,000 pods", 0.15, list_s, "s", note=f"{note}0.55 s; best of {LISTS}"),
        Figure("API", "memory at 10,000 pods", 200, rss_mb(pid), "MB", note=f"{note}746 MB"),
        Figure("API", "memory when idle", None, idle_mb, "MB"),
    ]
