"""Which nodes are not needed: little used, and their pods would fit elsewhere.

Upstream: ``core/scaledown`` and ``simulator`` of Cluster Autoscaler 1.36.1. Removals are simulated one after
another, each on what the ones before have left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kubelab.autoscaling.drain import drain
from kubelab.client import Object
from kubelab.scheduling.decide import Checks
from kubelab.scheduling.filters import reject
from kubelab.scheduling.snapshot import Budget, NodeInfo, PodInfo, Snapshot
from kubelab.scheduling.volumes import BlockedError

DISABLED = "cluster-autoscaler.kubernetes.io/scale-down-disabled"
TO_BE_DELETED = "ToBeDeletedByClusterAutoscaler"
CANDIDATE = "DeletionCandidateOfClusterAutoscaler"
GPU_RESOURCES = ("nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915", "aws.amazon.com/neuron")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a node counts as unneeded, and how long it must.

    Attributes
    ----------
    utilization : float
        The greater of CPU's and memory's share, of allocatable; of GPU's alone where the node has one.
    """

    utilization: float = 0.5
    unneeded: timedelta = timedelta(minutes=10)
    unready: timedelta = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that might go.

    Attributes
    ----------
    group : str
        Its node group.
    disabled : bool
        Whether its annotation keeps it.
    """

    info: NodeInfo
    group: str
    ready: bool = True
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a node is needed, and why.

    Attributes
    ----------
    utilization : float
        From 0 to 1.
    evict : tuple of dict
        The pods that must move.
    moves : mapping of str to str
        Where the simulation put them: pod to node.
    reason : str
        Upstream's reason for a node that stays; empty for one that is not needed.
    why : str
        One sentence.
    """

    node: str
    group: str
    utilization: float
    reason: str
    why: str
    evict: tuple[Object, ...] = ()
    moves: Mapping[str, str] | None = None

    @property
    def unneeded(self) -> bool:
        """Whether the node may go."""
        return not self.reason


def utilization(info: NodeInfo) -> tuple[float, str]:
    """Return how much of a node is asked for, and of which resource (``simulator/utilization``).

    Pods of DaemonSets and mirror pods count, as upstream does by default.
    """
    allocatable = info.node.allocatable
    for gpu in GPU_RESOURCES:
        if allocatable.get(gpu):
            return info.requested.get(gpu, 0) / allocatable[gpu], gpu
    shares = [
        (info.requested.get(resource, 0) / allocatable[resource], resource)
        for resource in ("cpu", "memory")
        if allocatable.get(resource)
    ]
    return max(shares, key=lambda share: share[0], default=(0.0, "cpu"))


def find_unneeded(
    candidates: Sequence[Candidate],
    snapshot: Snapshot,
    budgets: Sequence[Budget],
    *,
    spare: Mapping[str, int],
    thresholds: Thresholds,
    now: datetime,
    pods_on: Callable[[str], Sequence[Object]],
    info_of: Callable[[Object], PodInfo],
) -> list[Verdict]:
    """Judge nodes in turn; what one removal takes is gone for the next.

    Parameters
    ----------
    spare : mapping of str to int
        By group: how many nodes it has above its minimum.
    pods_on : callable
        Returns the Pod objects of a node.
    info_of : callable
        Reads a Pod as the scheduler does.
    """
    left = dict(spare)
    simulation = Removals(snapshot, budgets, now, info_of)
    verdicts: list[Verdict] = []
    for candidate in candidates:
        verdict = _kept(candidate, left, thresholds) or simulation.remove(
            candidate, pods_on(candidate.info.name)
        )
        if verdict.unneeded:
            left[candidate.group] -= 1
        verdicts.append(verdict)
    return verdicts


def is_due(since: datetime, now: datetime, thresholds: Thresholds, *, ready: bool) -> bool:
    """Say whether a node has been unneeded for long enough."""
    return now - since >= (thresholds.unneeded if ready else thresholds.unready)


def _kept(candidate: Candidate, left: Mapping[str, int], thresholds: Thresholds) -> Verdict | None:
    """Return why a node stays without any simulation; None if it is to be simulated."""
    used, resource = utilization(candidate.info)
    name = candidate.info.name
    if candidate.disabled:
        return Verdict(name, candidate.group, used, "ScaleDownDisabledAnnotation", f"annotated {DISABLED}")
    if candidate.ready and used > thresholds.utilization:
        why = f"{resource} is asked for to {used:.0%}, more than {thresholds.utilization:.0%}"
        return Verdict(name, candidate.group, used, "NotUnderutilized", why)
    if left.get(candidate.group, 0) <= 0:
        why = f"node group {candidate.group} is at its minimum"
        return Verdict(name, candidate.group, used, "NodeGroupMinSizeReached", why)
    return None


class Removals:
    """The cluster without the nodes that were found unneeded, their pods moved."""

    def __init__(
        self,
        snapshot: Snapshot,
        budgets: Sequence[Budget],
        now: datetime,
        info_of: Callable[[Object], PodInfo],
    ) -> None:
        self.snapshot = snapshot
        self.budgets = budgets
        self.now = now
        self.info_of = info_of
        self.nodes = {name: info for name, info in snapshot.nodes.items() if _takes_pods(info)}
        self._arrived: dict[str, list[PodInfo]] = {}
        self._last: dict[int, str] = {}
        """Where pods of a shape found room last; the next of them begins to look there."""

    def remove(self, candidate: Candidate, pods: Sequence[Object]) -> Verdict:
        """Take a node away if its pods fit elsewhere."""
        used, resource = utilization(candidate.info)
        name, group = candidate.info.name, candidate.group
        said = drain(pods, self.budgets, self.now)
        if said.blocker is not None:
            why = f"pod {said.blocker.pod} cannot be moved: {said.blocker.why}"
            return Verdict(name, group, used, said.blocker.reason, why)
        before = self.nodes.pop(name, None)
        moved: dict[str, NodeInfo] = {}
        moves: dict[str, str] = {}
        arrived = self._arrived.pop(name, [])
        leaving = [*arrived, *map(self.info_of, said.evict)]
        for info in leaving:
            target = self._place(info)
            if target is None:
                self.nodes.update(moved)
                if before is not None:
                    self.nodes[name], self._arrived[name] = before, arrived
                why = f"pod {info.namespace}/{info.name} fits on no other node"
                return Verdict(name, group, used, "NoPlaceToMovePods", why)
            moved.setdefault(target, self.nodes[target])
            self.nodes[target] = self.nodes[target].plus(info)
            moves[f"{info.namespace}/{info.name}"] = target
        for info in leaving:
            self._arrived.setdefault(moves[f"{info.namespace}/{info.name}"], []).append(info)
        where = f"its {len(moves)} pods fit on other nodes" if moves else "no pod of it would have to move"
        return Verdict(
            name, group, used, "", f"{resource} is asked for to {used:.0%}; {where}", said.evict, moves
        )

    def add(self, fresh: NodeInfo) -> None:
        """Let pods move to a new node, once the others have no room."""
        self.nodes[fresh.name] = fresh

    def _place(self, pod: PodInfo) -> str | None:
        if pod.shape.local and not self.snapshot.pods_with_terms:
            last = self._last.get(id(pod.shape), "")
            if last in self.nodes and not reject(pod.shape, self.nodes[last]):
                return last
            found = next((name for name, info in self.nodes.items() if not reject(pod.shape, info)), None)
        else:
            try:
                checks = Checks.of(pod, replace(self.snapshot, nodes=self.nodes))
            except BlockedError:
                return None
            found = next((name for name, info in self.nodes.items() if not checks.reject(info)), None)
        if found is not None:
            self._last[id(pod.shape)] = found
        return found


def _takes_pods(info: NodeInfo) -> bool:
    return not any(taint.key == TO_BE_DELETED for taint in info.node.taints)
