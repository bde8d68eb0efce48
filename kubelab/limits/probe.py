"""The measurement itself, step after step, as a client of any cluster."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable

from kubelab.client import Client
from kubelab.clock import Clock, rfc3339
from kubelab.limits.calls import time_calls
from kubelab.limits.fan_out import time_watches
from kubelab.limits.kube_proxy import read_proxies
from kubelab.limits.limits import Limits
from kubelab.limits.load import Load
from kubelab.limits.site import open_site
from kubelab.limits.sizes import read_sizes
from kubelab.limits.slos import MUTATING, POD_START, SCHEDULING
from kubelab.limits.starts import start_at_once, start_steadily
from kubelab.limits.verdict import Finding

Say = Callable[[str], None]


async def measure(client: Client, load: Load, clock: Clock, *, cluster: str, engine: str, say: Say) -> Limits:
    """Measure a cluster; what is made for it is removed, whatever happens.

    Raises
    ------
    LimitsBusyError
        If another run measures this cluster.
    LimitsOptionError
        If the cluster's own nodes are processes' and have no room for so many pods.
    LimitsRefusedError
        If the user may not do what is needed.
    """
    date = rfc3339(clock.now())
    async with open_site(client, load, clock) as site:
        say(f"{load.pods} pods at {load.pods_per_s:g} a second")
        steady = await start_steadily(site)
        say(f"{load.calls} requests of each kind")
        calls = await time_calls(site)
        say(f"{load.changes} changes to {load.watchers} watches")
        watches = await time_watches(site)
        say(f"{load.pods} pods at once")
        burst = await start_at_once(site)
        sizes, proxy = await read_sizes(client), await read_proxies(client)
    started = [
        Finding(POD_START, "", steady.start_latency_s(), steady.why),
        Finding(SCHEDULING, "", steady.scheduling_latency_s(), steady.why),
        Finding(MUTATING, "POST pods", tuple(steady.calls_s)),
    ]
    version = (await client.read("/version"))["gitVersion"]
    findings = (*started, *calls, watches)
    return Limits(cluster, engine, version, _machine(), date, load, findings, burst.throughput, sizes, proxy)


def _machine() -> str:
    return f"{platform.system()} {platform.release()}, {os.cpu_count()} CPU"
