"""What pods on simulated nodes use, as they declare it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from kubelab.client import Object
from kubelab.clock import Clock, parse_rfc3339
from kubelab.engine.usage import NodeUsage, PodUsage, Usage
from kubelab.simulated_pod import DeclarationError, usage_of

_WINDOW_S = 15.0  # the metrics server's --metric-resolution


def usage_at(pod: Object, moment: datetime, node: Object | None = None) -> Usage | None:
    """Return the whole pod's use at a moment; None while it does not run or where nothing makes sense."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or [{}]
    running = (statuses[0].get("state") or {}).get("running")
    if running is None:
        return None
    try:
        use = usage_of(pod, node)
    except DeclarationError:
        return None
    if use is None:
        return Usage(0, 0)
    _, millicores, memory_bytes = use.at(moment, parse_rfc3339(running["startedAt"]))
    return Usage(millicores * 1_000_000, memory_bytes)


def containers_usage(pod: Object, moment: datetime, node: Object | None = None) -> dict[str, Usage]:
    """Return what each container uses; none while the pod does not run."""
    usage = usage_at(pod, moment, node)
    return shared(usage, [each["name"] for each in pod["spec"]["containers"]]) if usage else {}


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
        They, by name.
    simulated_pods : callable
        The pods bound to them.
    """

    def __init__(
        self,
        clock: Clock,
        nodes: Callable[[], Mapping[str, Object]],
        simulated_pods: Callable[[], Iterable[Object]],
    ) -> None:
        self._clock = clock
        self._nodes = nodes
        self._pods = simulated_pods

    def nodes(self) -> Iterable[NodeUsage]:
        """Return what each node's pods use together."""
        now, nodes = self._clock.now(), self._nodes()
        cpu: dict[str, int] = defaultdict(int)
        memory: dict[str, int] = defaultdict(int)
        for pod in self._pods():
            name = pod["spec"]["nodeName"]
            if usage := usage_at(pod, now, nodes.get(name)):
                cpu[name] += usage.cpu_nanocores
                memory[name] += usage.memory_bytes
        for name in nodes:
            yield NodeUsage(name, Usage(cpu[name], memory[name]), now, _WINDOW_S)

    def pods(self) -> Iterable[PodUsage]:
        """Return what each running pod uses."""
        now, nodes = self._clock.now(), self._nodes()
        for pod in self._pods():
            if containers := containers_usage(pod, now, nodes.get(pod["spec"]["nodeName"])):
                meta = pod["metadata"]
                yield PodUsage(meta["namespace"], meta["name"], containers, now, _WINDOW_S)
