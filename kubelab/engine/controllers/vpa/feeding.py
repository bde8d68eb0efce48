"""What a recommender is fed with: samples of metrics.k8s.io, kills for want of memory, and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from datetime import datetime

import numpy as np

from kubelab.client import POD_METRICS, Client, Object
from kubelab.clock import parse_rfc3339
from kubelab.engine.controllers.vpa.groups import Group
from kubelab.engine.controllers.vpa.kills import Kill
from kubelab.quantities import parse_quantity
from kubelab.rightsizing.policies import ContainerPolicy
from kubelab.rightsizing.recommender import Recommender
from kubelab.rightsizing.scopes import Kind
from kubelab.usage.series import ContainerKey, Resource

AHEAD_S = 60.0
"""Samples so far ahead of this clock count; a clock that is further ahead is wrong."""

Place = tuple[str, str, str]
"""A container by its namespace, its pod and its name."""


class Feeding:
    """Gives a recommender what there is to see of the containers that autoscalers are in charge of."""

    def __init__(self, client: Client, recommender: Recommender) -> None:
        self._client = client
        self._recommender = recommender
        self._rows: dict[Place, int] = {}
        self._policies: dict[Place, ContainerPolicy] = {}

    def track(
        self,
        controlled: Iterable[tuple[Object, Sequence[Object]]],
        kind_of: Callable[[Object, Object], Kind | None],
    ) -> list[Group]:
        """Take note of which containers there are, and return which groups they belong to.

        Parameters
        ----------
        kind_of : callable
            Gives the kind of node that an autoscaler's pod is on.
        """
        self._rows.clear()
        self._policies.clear()
        groups: dict[Group, None] = {}
        for autoscaler, pods in controlled:
            uid = autoscaler["metadata"]["uid"]
            for pod in pods:
                kind = kind_of(autoscaler, pod)
                for name in (each["name"] for each in pod["spec"]["containers"]):
                    group = Group(uid, name, kind=kind)
                    groups[group] = None
                    self._track(autoscaler, pod, name, group)
        return list(groups)

    @property
    def rows(self) -> Collection[int]:
        """The rows of the containers that there are."""
        return self._rows.values()

    def _track(self, autoscaler: Object, pod: Object, name: str, group: Hashable) -> None:
        meta = pod["metadata"]
        place = (meta["namespace"], meta["name"], name)
        self._rows[place] = self._recommender.track(ContainerKey(*place), group)
        self._policies[place] = ContainerPolicy.of(autoscaler, name)

    async def take_samples(self, now: datetime) -> None:
        """Read what the tracked containers use now; what is of a time to come is left out.

        Raises
        ------
        ApiError
            If metrics.k8s.io does not answer.
        """
        latest = now.timestamp() + AHEAD_S
        for namespace in sorted({namespace for namespace, _, _ in self._rows}):
            served = await self._client.list(POD_METRICS, namespace)
            for resource in ("cpu", "memory"):
                self._observe(resource, served.items, latest)

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

    def _observe(self, resource: Resource, metrics: Iterable[Object], latest: float) -> None:
        rows, times, values = [], [], []
        for each in metrics:
            meta, at = each["metadata"], parse_rfc3339(each["timestamp"]).timestamp()
            for container in each["containers"]:
                row = self._rows.get((meta["namespace"], meta["name"], container["name"]))
                if row is not None and resource in container["usage"] and at <= latest:
                    rows.append(row)
                    times.append(at)
                    values.append(float(parse_quantity(container["usage"][resource])))
        if rows:
            self._recommender.aggregation.observe(
                resource, np.array(rows, dtype=np.intp), np.array(times), np.array(values)
            )
