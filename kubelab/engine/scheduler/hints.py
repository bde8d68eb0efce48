"""Which changes of the cluster are a reason to try an unschedulable pod again.

In the spirit of upstream's queueing hints: a change counts for a pod only if it could undo what the
filters named, so a busy cluster does not try hopeless pods over and over.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kubelab.scheduling.filters import reject
from kubelab.scheduling.shapes import Shape
from kubelab.scheduling.snapshot import NodeInfo, PodInfo


class Kind(Enum):
    """What changed."""

    NODE = "node"
    POD_PLACED = "pod placed"
    POD_GONE = "pod gone"
    STORAGE = "storage"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the cluster.

    Attributes
    ----------
    kind : Kind
    node : NodeInfo or None
        The node it happened on, as it is now.
    claim : (str, str) or None
        The claim that changed; None for volumes and classes, which concern all.
    """

    kind: Kind
    node: NodeInfo | None = None
    claim: tuple[str, str] | None = None


LOOKS_AROUND = frozenset({"PodTopologySpread", "InterPodAffinity"})
VOLUMES = frozenset({"VolumeBinding", "VolumeRestrictions"})


def may_help(pod: PodInfo, plugins: frozenset[str], change: Change) -> bool:
    """Say whether a pod that these filters rejected may fit after the change."""
    match change.kind:
        case Kind.STORAGE:
            return bool(plugins & VOLUMES) and _mounts(pod, change)
        case Kind.POD_PLACED:
            return bool(plugins & LOOKS_AROUND)
        case Kind.POD_GONE:
            return bool(plugins & (LOOKS_AROUND | VOLUMES)) or _takes(pod, change.node)
        case Kind.NODE:
            return bool(plugins & LOOKS_AROUND) or change.node is None or _takes(pod, change.node)


def _mounts(pod: PodInfo, change: Change) -> bool:
    if change.claim is None:
        return True
    namespace, name = change.claim
    return pod.namespace == namespace and name in pod.shape.claims


def _takes(pod: PodInfo, info: NodeInfo | None) -> bool:
    if info is None:
        return False
    return not reject(pod.shape, info) or _could_preempt(pod.shape, pod.priority, info)


def _could_preempt(shape: Shape, priority: int, info: NodeInfo) -> bool:
    return (
        shape.may_preempt
        and any(other.priority < priority for other in info.pods.values())
        and all(each.resolvable for each in reject(shape, info))
    )
