"""What metrics.k8s.io says of now: a sample of each running container."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from kubelab.client import NODES, POD_METRICS, PODS, Client, Object
from kubelab.clock import parse_rfc3339
from kubelab.errors import ApiError, NotFoundError
from kubelab.node_template import is_simulated
from kubelab.owners import Owner
from kubelab.quantities import parse_quantity
from kubelab.usage.series import ContainerKey, Usage, UsageSeries


@dataclass(frozen=True, slots=True)
class Sample:
    """What a container used at a time.

    Attributes
    ----------
    at : float
        Seconds since the epoch: the end of the window that was measured.
    cpu_cores : float
        Mean over the window.
    memory_bytes : float
        Working set.
    """

    container: ContainerKey
    at: float
    cpu_cores: float
    memory_bytes: float


async def read_samples(
    client: Client, namespace: str | None = None, *, simulated: bool = True
) -> list[Sample]:
    """Return a sample of each container that metrics.k8s.io knows.

    Parameters
    ----------
    simulated : bool
        Whether pods on simulated nodes count; what they use is declared on them.

    Raises
    ------
    NotFoundError
        If the cluster does not serve metrics.k8s.io.
    ApiError
        If it does not answer.
    """
    metrics = (await client.list(POD_METRICS, namespace)).items
    pods = (await client.list(PODS, namespace)).items
    samples = samples_of(metrics, pods)
    if simulated:
        return list(samples)
    nodes = (await client.list(NODES)).items
    fake = {node["metadata"]["name"] for node in nodes if is_simulated(node)}
    return [each for each in samples if each.container.node not in fake]


def samples_of(metrics: Iterable[Object], pods: Iterable[Object]) -> Iterator[Sample]:
    """Yield the samples of PodMetrics, of pods that are still there."""
    known = {(pod["metadata"]["namespace"], pod["metadata"]["name"]): pod for pod in pods}
    for each in metrics:
        meta = each["metadata"]
        pod = known.get((meta["namespace"], meta["name"]))
        if pod is None:
            continue
        at = parse_rfc3339(each["timestamp"]).timestamp()
        for container in each["containers"]:
            use = container["usage"]
            cpu, memory = (float(parse_quantity(use.get(name, "0"))) for name in ("cpu", "memory"))
            yield Sample(container_key(pod, container["name"]), at, cpu, memory)


def container_key(pod: Object, container: str) -> ContainerKey:
    """Return which container it is, and whose."""
    owner, meta = Owner.of(pod), pod["metadata"]
    node = pod["spec"].get("nodeName", "")
    return ContainerKey(meta["namespace"], meta["name"], container, owner.kind, owner.controller, node)


class LastMinute:
    """A source that knows no more than what metrics.k8s.io says now.

    Parameters
    ----------
    client : Client
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def read(self, start: datetime, end: datetime, *, namespace: str | None = None) -> Usage:
        """Return series of one sample each, where that is in the window."""
        import numpy as np

        try:
            samples = await read_samples(self._client, namespace)
        except NotFoundError:
            return Usage((), ("the cluster does not serve metrics.k8s.io",))
        except ApiError as error:
            return Usage((), (f"metrics.k8s.io does not answer: {error.message}",))
        last = end.timestamp()
        series: list[UsageSeries] = []
        for each in samples:
            if each.at >= start.timestamp():
                at = np.array([min(each.at, last)])
                series.append(UsageSeries(each.container, "cpu", at, np.array([each.cpu_cores])))
                series.append(UsageSeries(each.container, "memory", at, np.array([each.memory_bytes])))
        return Usage(tuple(series), ("there is no history: only the last minute is known",))
