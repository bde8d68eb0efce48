"""What a recommender is fed with: samples of metrics.k8s.io, kills for want of memory, and checkpoints."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from kubelab.client import POD_METRICS, Client, Object
from kubelab.clock import parse_rfc3339
from kubelab.engine.controllers.vpa.kills import Kill
from kubelab.quantities import parse_quantity
from kubelab.rightsizing.policies import ContainerPolicy
from kubelab.rightsizing.recommender import Recommender
from kubelab.usage.series import ContainerKey, Resource

Place = tuple[str, str, str]
"""A container by its namespace, its pod and its name."""


@dataclass(frozen=True, slots=True)
class Group:
    """Containers whose samples count together.

    Attributes
    ----------
    autoscaler : str
        Its uid.
    from_checkpoint : bool
        Whether this is what a checkpoint kept, rather than what was seen since.
    """

    autoscaler: str
    container: str
    from_checkpoint: bool = False


class Feeding:
    """Gives a recommender what there is to see of the containers that autoscalers are in charge of."""

    def __init__(self, client: Client, recommender: Recommender) -> None:
        self._client = client
        self._recommender = recommender
        self._rows: dict[Place, int] = {}
        self._policies: dict[Place, ContainerPolicy] = {}

    def track(self, controlled: Iterable[tuple[Object, Sequence[Object]]]) -> None:
        """Take note of which containers there are, and which groups they belong to."""
        self._rows.clear()
        self._policies.clear()
        for autoscaler, pods in controlled:
            uid = autoscaler["metadata"]["uid"]
            for pod in pods:
                for name in (each["name"] for each in pod["spec"]["containers"]):
                    self._track(autoscaler, pod, name, Group(uid, name))

    @property
    def rows(self) -> Collection[int]:
        """The rows of the containers that there are."""
        return self._rows.values()

    def _track(self, autoscaler: Object, pod: Object, name: str, group: Hashable) -> None:
        meta = pod["metadata"]
        place = (meta["namespace"], meta["name"], name)
        self._rows[place] = self._recommender.track(ContainerKey(*place), group)
        self._policies[place] = ContainerPolicy.of(autoscaler, name)

    async def take_samples(self) -> None:
        """Read what the tracked containers use now."""
        for namespace in sorted({namespace for namespace, _, _ in self._rows}):
            served = await self._client.list(POD_METRICS, namespace)
            for resource in ("cpu", "memory"):
                self._observe(resource, served.items)

    def take_kills(self, kills: Iterable[Kill]) -> None:
        """Record containers that were killed for want of memory; unknown ones are left out."""
        for kill in kills:
            place = (kill.namespace, kill.pod, kill.container)
            if place in self._rows:
                policy = self._policies[place]
                self._recommender.aggregation.observe_oom(
                    self._rows[place],
                    kill.at.timestamp(),
                    kill.requested,
                    ratio=policy.oom_ratio,
                    least=policy.oom_least,
                )

    def _observe(self, resource: Resource, metrics: Iterable[Object]) -> None:
        rows, times, values = [], [], []
        for each in metrics:
            meta, at = each["metadata"], parse_rfc3339(each["timestamp"]).timestamp()
            for container in each["containers"]:
                row = self._rows.get((meta["namespace"], meta["name"], container["name"]))
                if row is not None and resource in container["usage"]:
                    rows.append(row)
                    times.append(at)
                    values.append(float(parse_quantity(container["usage"][resource])))
        if rows:
            self._recommender.aggregation.observe(
                resource, np.array(rows, dtype=np.intp), np.array(times), np.array(values)
            )
