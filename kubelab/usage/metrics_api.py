"""`MetricsUsage`: what metrics.k8s.io says of now, as series of one sample."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kubelab.client import Client, Object
from kubelab.clock import parse_rfc3339
from kubelab.errors import ApiError, NotFoundError
from kubelab.quantities import parse_quantity
from kubelab.usage.series import ContainerKey, Resource, Usage, UsageSeries

PATH = "/apis/metrics.k8s.io/v1beta1/pods"
_RESOURCES: tuple[Resource, ...] = ("cpu", "memory")


class MetricsUsage:
    """A `UsageSource` that knows the last minute alone.

    Parameters
    ----------
    client : Client
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def read(self, start: datetime, end: datetime, *, namespace: str | None = None) -> Usage:
        """Return what is known of the containers of a namespace, or of all."""
        try:
            items = (await self._client.read(PATH))["items"]
        except NotFoundError:
            return Usage((), ("the cluster does not serve metrics.k8s.io",))
        except ApiError as error:
            return Usage((), (f"metrics.k8s.io refused: {error.message}",))
        chosen = (each for each in items if namespace in {None, each["metadata"]["namespace"]})
        return Usage(tuple(one for each in chosen for one in _series(each, start, end)))


def _series(metrics: Object, start: datetime, end: datetime) -> Iterator[UsageSeries]:
    import numpy as np

    at = min(parse_rfc3339(metrics["timestamp"]), end)
    if at < start:
        return
    for container in metrics["containers"]:
        meta = metrics["metadata"]
        key = ContainerKey(meta["namespace"], meta["name"], container["name"])
        for name in _RESOURCES:
            used = float(parse_quantity(container["usage"][name]))
            yield UsageSeries(key, name, np.array([at.timestamp()]), np.array([used]))
