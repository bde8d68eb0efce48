"""`DeclaredUsage`: what pods on simulated nodes used, as they declare it, without having watched them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from kubelab.client import NODES, PODS, Client, Object
from kubelab.clock import parse_rfc3339
from kubelab.node_template import is_simulated
from kubelab.owners import Owner
from kubelab.simulated_pod import DeclarationError, usage_of
from kubelab.simulated_usage import NO_USE, DeclaredUse
from kubelab.usage.series import ContainerKey, Resource, Usage, UsageSeries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STEP_S = 60.0


class DeclaredUsage:
    """A `UsageSource` of the pods that run on simulated nodes.

    Containers of a pod share what it uses evenly. Pods that are gone are not told of, nor are earlier runs of
    a container.

    Parameters
    ----------
    client : Client
    step_s : float
        From one sample to the next.
    """

    def __init__(self, client: Client, *, step_s: float = STEP_S) -> None:
        self._client = client
        self._step_s = step_s

    async def read(self, start: datetime, end: datetime, *, namespace: str | None = None) -> Usage:
        """Return what is known of the containers of a namespace, or of all."""
        found = (await self._client.list(NODES)).items
        nodes = {each["metadata"]["name"]: each for each in found if is_simulated(each)}
        series: list[UsageSeries] = []
        missing: list[str] = []
        for pod in (await self._client.list(PODS, namespace)).items:
            node = nodes.get(pod["spec"].get("nodeName", ""))
            since = _running_since(pod)
            if node is None or since is None or since >= end:
                continue
            try:
                use = usage_of(pod, node) or DeclaredUse((NO_USE,))
            except DeclarationError as error:
                missing.append(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}: {error}")
                continue
            series += self._series(pod, use, since, start, end)
        return Usage(tuple(series), tuple(missing))

    def _series(
        self, pod: Object, use: DeclaredUse, since: datetime, start: datetime, end: datetime
    ) -> Iterator[UsageSeries]:
        import numpy as np

        first, last = max(start, since).timestamp(), end.timestamp()
        times = np.arange(last, first, -self._step_s, dtype=np.float64)[::-1]
        cpu, memory = _sampled(use, since, end, times, self._step_s)
        containers = [each["name"] for each in pod["spec"]["containers"]]
        owner, meta = Owner.of(pod), pod["metadata"]
        resources: tuple[tuple[Resource, NDArray[np.float64]], ...] = (("cpu", cpu), ("memory", memory))
        for name in containers:
            key = ContainerKey(
                meta["namespace"], meta["name"], name, owner.kind, owner.controller, pod["spec"]["nodeName"]
            )
            for resource, values in resources:
                yield UsageSeries(key, resource, times, values / len(containers))


def _sampled(
    use: DeclaredUse, since: datetime, end: datetime, times: NDArray[np.float64], step_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean cores over the step before each time, and the bytes at it."""
    import numpy as np

    pieces = list(use.between(since, end))
    lengths = np.array([length for length, _ in pieces])
    cores = np.array([point[1] / 1000 for _, point in pieces])
    held = np.array([float(point[2]) for _, point in pieces])
    edges = since.timestamp() + np.concatenate([[0.0], np.cumsum(lengths)])
    work = np.concatenate([[0.0], np.cumsum(lengths * cores)])
    before = np.maximum(times - step_s, edges[0])
    cpu = (np.interp(times, edges, work) - np.interp(before, edges, work)) / np.maximum(times - before, 1e-9)
    place = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, len(held) - 1)
    return np.maximum(cpu, 0.0), held[place]


def _running_since(pod: Object) -> datetime | None:
    statuses = (pod.get("status") or {}).get("containerStatuses") or [{}]
    running = (statuses[0].get("state") or {}).get("running")
    return parse_rfc3339(running["startedAt"]) if running else None
