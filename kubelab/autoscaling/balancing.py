"""Which node groups are alike, and how an increase is split between them.

Source: ``processors/nodegroupset/{compare_nodegroups,balancing_processor}.go`` of Cluster Autoscaler 1.36.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from kubelab.autoscaling.option import ZONE, Template
from kubelab.scheduling.requests import Amounts

MEMORY_DIFFERENCE = 0.015
"""``MaxCapacityMemoryDifferenceRatio``: by how much the memory of like nodes may differ."""

DIFFERENCE = 0.05
"""``MaxAllocatableDifferenceRatio`` and ``MaxFreeDifferenceRatio``."""

NODE_GROUP = "autoscaling.kubelab.dev/node-group"
"""The label that names a node's group."""

IGNORED_LABELS = frozenset(
    {
        "kubernetes.io/hostname",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        ZONE,
        "topology.kubernetes.io/region",
        NODE_GROUP,
    }
)
"""Labels in which like nodes may differ; the last is kubelab's own."""

_NOTHING: Amounts = {}


def similar(
    one: Template, other: Template, one_held: Amounts = _NOTHING, other_held: Amounts = _NOTHING
) -> bool:
    """Say whether an increase may be split between two groups.

    Parameters
    ----------
    one, other : Template
        Their nodes.
    one_held, other_held : mapping
        What DaemonSet pods hold on a new node of each.
    """
    return (
        _same_capacity(one.capacity, other.capacity)
        and _close(one.allocatable, other.allocatable, DIFFERENCE)
        and _close(_free(one, one_held), _free(other, other_held), DIFFERENCE)
        and _labels(one) == _labels(other)
    )


def _same_capacity(one: Amounts, other: Amounts) -> bool:
    exact = [{name: value for name, value in each.items() if name != "memory"} for each in (one, other)]
    memory = [{"memory": each.get("memory", 0)} for each in (one, other)]
    return exact[0] == exact[1] and _close(memory[0], memory[1], MEMORY_DIFFERENCE)


def _close(one: Amounts, other: Amounts, ratio: float) -> bool:
    return one.keys() == other.keys() and all(
        abs(value - other[name]) <= max(value, other[name]) * ratio for name, value in one.items()
    )


def _free(template: Template, held: Amounts) -> Amounts:
    return {name: value - held.get(name, 0) for name, value in template.allocatable.items()}


def _labels(template: Template) -> Mapping[str, str]:
    return {name: value for name, value in template.labels.items() if name not in IGNORED_LABELS}


@dataclass(frozen=True, slots=True)
class Size:
    """How large a node group is meant to be now, and may become."""

    node_group: str
    target: int
    max_size: int


def balance(sizes: Sequence[Size], nodes: int) -> dict[str, int]:
    """Split new nodes between like groups: each goes to the smallest group that is not full.

    Returns
    -------
    dict of str to int
        How many nodes each group gets, those that get none left out. Together they are fewer than ``nodes``
        where the groups have no more room.
    """
    room = [(size.target, at) for at, size in enumerate(sizes) if size.target < size.max_size]
    heapify(room)
    added: dict[str, int] = {}
    for _ in range(nodes):
        if not room:
            break
        target, at = heappop(room)
        size = sizes[at]
        added[size.node_group] = added.get(size.node_group, 0) + 1
        if target + 1 < size.max_size:
            heappush(room, (target + 1, at))
    return added
