"""What pods on simulated nodes use, as they declare it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

from kubelab.client import Object
from kubelab.clock import Clock, parse_rfc3339
from kubelab.engine.usage import NodeUsage, PodUsage, Usage
from kubelab.simulated_pod import DeclarationError, usage_of

_WINDOW_S = 15.0  # the metrics server's --metric-resolution


def usage_at(pod: Object, moment: datetime) -> Usage | None:
    """Return the whole pod's use at a moment; None while it does not run or where nothing makes sense."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or [{}]
    running = (statuses[0].get("state") or {}).get("running")
    if running is None:
        return None
    try:
        series = usage_of(pod)
    except DeclarationError:
        return None
    if not series:
        return Usage(0, 0)
    since_s = (moment - parse_rfc3339(running["startedAt"])).total_seconds()
    index = max(bisect_right(series, since_s, key=lambda point: point[0]) - 1, 0)
    _, millicores, memory_bytes = series[index]
    return Usage(millicores * 1_000_000, memory_bytes)


def shared(usage: Usage, names: list[str]) -> dict[str, Usage]:
    """Divide a pod's use among its containers; the first has what is left over."""
    cpu, cpu_rest = divmod(usage.cpu_nanocores, len(names))
    memory, memory_rest = divmod(usage.memory_bytes, len(names))
    parts = {name: Usage(cpu, memory) for name in names}
    return {**parts, names[0]: Usage(cpu + cpu_rest, memory + memory_rest)}


class DeclaredUsage:
    """A `UsageSource` of all simulated nodes.

    Parameters
    ----------
    nodes : callable
        Their names.
    simulated_pods : callable
        The pods bound to them.
    """

    def __init__(
        self, clock: Clock, nodes: Callable[[], Iterable[str]], simulated_pods: Callable[[], Iterable[Object]]
    ) -> None:
        self._clock = clock
        self._nodes = nodes
        self._pods = simulated_pods

    def nodes(self) -> Iterable[NodeUsage]:
        """Return what each node's pods use together."""
        now = self._clock.now()
        cpu: dict[str, int] = defaultdict(int)
        memory: dict[str, int] = defaultdict(int)
        for pod in self._pods():
            if usage := usage_at(pod, now):
                cpu[pod["spec"]["nodeName"]] += usage.cpu_nanocores
                memory[pod["spec"]["nodeName"]] += usage.memory_bytes
        for name in self._nodes():
            yield NodeUsage(name, Usage(cpu[name], memory[name]), now, _WINDOW_S)

    def pods(self) -> Iterable[PodUsage]:
        """Return what each running pod uses."""
        now = self._clock.now()
        for pod in self._pods():
            if usage := usage_at(pod, now):
                names = [container["name"] for container in pod["spec"]["containers"]]
                meta = pod["metadata"]
                yield PodUsage(meta["namespace"], meta["name"], shared(usage, names), now, _WINDOW_S)
