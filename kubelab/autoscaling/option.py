"""`Option`: one way to make room for pending pods, as Cluster Autoscaler offers it to an expander."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from kubelab.scheduling.requests import Amounts
from kubelab.scheduling.selectors import Taint

INSTANCE_TYPE = "node.kubernetes.io/instance-type"
"""The label that names a node's type; it joins a template with a catalogue's price."""

CAPACITY_TYPE = "autoscaling.kubelab.dev/capacity-type"
"""The label that says how a node is bought: ``on-demand`` or ``spot``."""

ZONE = "topology.kubernetes.io/zone"


@dataclass(frozen=True, slots=True)
class PendingPod:
    """A pod that waits for a node.

    Attributes
    ----------
    requests : mapping
        What the whole pod asks for: ``cpu`` in millicores, all else in whole units (see
        `kubelab.scheduling.requests`).
    """

    namespace: str
    name: str
    requests: Amounts
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Template:
    """What a new node of a group is like.

    Attributes
    ----------
    capacity, allocatable : mapping
        By resource: ``cpu`` in millicores, ``memory`` in bytes, ``pods`` and devices in pieces.
    """

    capacity: Amounts
    allocatable: Amounts
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()

    @property
    def instance_type(self) -> str:
        """Its type, "" if it has no such label."""
        return self.labels.get(INSTANCE_TYPE, "")

    @property
    def spot(self) -> bool:
        """Whether the provider may take it back at any time."""
        return self.labels.get(CAPACITY_TYPE) == "spot"


@dataclass(frozen=True)
class Option:
    """One node group, how many nodes of it, and the pods that these would take.

    Attributes
    ----------
    node_group : str
        The group's id.
    node_count : int
        How many nodes the estimator needs.
    pods : tuple of PendingPod
        Which pods they take.
    exists : bool
        Whether the group is there already; False if it would be created.
    debug : str
        What the autoscaler says of it.
    """

    node_group: str
    node_count: int
    pods: tuple[PendingPod, ...]
    template: Template
    exists: bool = True
    debug: str = ""

    @cached_property
    def requests(self) -> Amounts:
        """What its pods ask for together."""
        total: Counter[str] = Counter()
        for pod in self.pods:
            total.update(pod.requests)
        return total
