"""What a change is judged by: the cluster around it, and how careful to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.rightsizing.change import Change


@dataclass(frozen=True, slots=True)
class Rails:
    """How careful to be.

    Attributes
    ----------
    min_change : float
        Changes by less than this share are not worth a restart (CAST AI's default: a tenth).
    cooldown : timedelta
        How long a container is left alone after a change.
    """

    min_change: float = 0.1
    cooldown: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a change is judged by.

    Attributes
    ----------
    pods, nodes, autoscalers, quotas : sequence of dict
        Objects of the cluster.
    targets : mapping
        The objects that changes are written to, by kind, namespace and name.
    in_place : bool
        Whether running pods are resized, rather than replaced by their workload.
    """

    now: datetime
    pods: Sequence[Object] = ()
    nodes: Sequence[Object] = ()
    autoscalers: Sequence[Object] = ()
    quotas: Sequence[Object] = ()
    targets: Mapping[tuple[str, str, str], Object] = field(default_factory=dict)
    in_place: bool = False

    def pods_of(self, change: Change) -> list[Object]:
        """Return the pods that a change is for."""
        key, names = change.group.key, set(change.group.pods)
        return [
            pod
            for pod in self.pods
            if pod["metadata"]["namespace"] == key.namespace and pod["metadata"]["name"] in names
        ]
