"""How many nodes of a group the pending pods need: Cluster Autoscaler's first-fit-decreasing estimate.

Source: ``estimator/{binpacking_estimator,decreasing_pod_orderer}.go`` of Cluster Autoscaler 1.36.1. Whether a
pod fits is asked of the scheduler's own filters; pods that one node alone can judge are counted instead of
placed one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from kubelab.autoscaling.packing import Bin, Packed
from kubelab.scheduling.affinity import HardAffinity
from kubelab.scheduling.decide import Checks
from kubelab.scheduling.shapes import Shape
from kubelab.scheduling.snapshot import NodeInfo, PodInfo, Snapshot
from kubelab.scheduling.spread import HardSpread
from kubelab.scheduling.volumes import BlockedError

Pods = Sequence[PodInfo]

MAX_NODES = 1000
"""``--max-nodes-per-scaleup``."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a group would have to add.

    Attributes
    ----------
    node_count : int
        How many new nodes would hold at least one pending pod.
    pods : tuple of PodInfo
        The pods that they would hold, in the order of placing.
    """

    node_count: int
    pods: tuple[PodInfo, ...]


def estimate(
    groups: Sequence[Pods],
    fresh: NodeInfo,
    snapshot: Snapshot,
    *,
    max_nodes: int = MAX_NODES,
    out_of_time: Callable[[], bool] = lambda: False,
) -> Estimate:
    """Pack pods onto new nodes of one kind.

    Parameters
    ----------
    groups : sequence of sequence of PodInfo
        Pending pods; those of one group are alike (controller, labels, spec).
    fresh : NodeInfo
        A new node, with the DaemonSet pods that it would get. Each new node gets a name and a
        ``kubernetes.io/hostname`` of its own.
    snapshot : Snapshot
        The cluster as it is, for rules between pods. Its nodes take none of the pods.
    max_nodes : int
        How many nodes may be added; 0 for no limit.
    out_of_time : callable
        Asked before each node is added; True ends adding, as ``--max-nodegroup-binpacking-duration`` does.
    """
    packed = Packed(fresh, snapshot)
    may_add = True
    for group in ordered(groups, fresh):
        fit = _fit(group, packed)
        rest = group[fit.fill(group) :]
        if rest and may_add:
            may_add = _add_nodes(rest, packed, fit, lambda: _may_add(packed, max_nodes, out_of_time))
    return Estimate(sum(not each.empty for each in packed.bins), tuple(packed.placed))


def ordered(groups: Sequence[Pods], fresh: NodeInfo) -> list[Pods]:
    """Return the groups, the largest pods first: by cpu / allocatable + memory / allocatable."""
    allocatable = fresh.node.allocatable

    def size(group: Pods) -> float:
        requests = group[0].shape.requests
        return sum(
            requests.get(name, 0) / allocatable[name] for name in ("cpu", "memory") if allocatable.get(name)
        )

    return sorted((group for group in groups if group), key=size, reverse=True)


def _may_add(packed: Packed, max_nodes: int, out_of_time: Callable[[], bool]) -> bool:
    return (not max_nodes or len(packed.bins) < max_nodes) and not out_of_time()


def _add_nodes(pods: Pods, packed: Packed, fit: _Fit, may_add: Callable[[], bool]) -> bool:
    """Put pods onto the last new node, and onto nodes added behind it; say whether more may be added.

    A pod that does not fit a node without pods ends the group: another node would not help it.
    """
    at = 0
    while at < len(pods):
        last = packed.bins[-1] if packed.bins else None
        room = fit.room(last, pods[at]) if last else 0
        if last and room:
            taken = pods[at : at + room]
            packed.take(len(packed.bins) - 1, taken)
            fit.taken(last, taken)
            at += len(taken)
        elif last and last.empty:
            return True
        elif not may_add():
            return False
        else:
            fit.added(packed.add())
    return True


class _Fit(Protocol):
    """Knows how many pods of one group fit where."""

    def fill(self, pods: Pods) -> int:
        """Put pods onto the new nodes there are, in turns, until one fits none; return how many."""
        ...

    def room(self, bin: Bin, pod: PodInfo) -> int:
        """Return how many pods like this one a new node takes now; at most 1 if each must be asked for."""
        ...

    def added(self, bin: Bin) -> None:
        """Take note of a new node."""
        ...

    def taken(self, bin: Bin, pods: Pods) -> None:
        """Take note of pods that a new node took."""
        ...


def _fit(group: Pods, packed: Packed) -> _Fit:
    pod, shape = group[0], group[0].shape
    if shape.claims or any(each.shape is not shape or each.labels != pod.labels for each in group):
        return _OneByOne(packed)
    between = any(each.hard for each in shape.spread) or shape.affinity or shape.anti_affinity
    return _Between(pod, packed) if between else _Counted(pod, packed)


class _Counted:
    """Counts pods whose fit depends on their node alone: all that one node's room allows go there at once."""

    def __init__(self, pod: PodInfo, packed: Packed) -> None:
        self.packed = packed
        self.shape: Shape = pod.shape
        self._never = not packed.suits(self.shape)
        needed = packed.pods_with_terms or self.shape.affinity or self.shape.anti_affinity
        self._affinity = HardAffinity.of(pod, packed.current()) if needed else None

    def room(self, bin: Bin, _: PodInfo) -> int:
        if self._never or (self._affinity and self._affinity.reject(bin.node)):
            return 0
        return bin.room(self.shape)

    def fill(self, pods: Pods) -> int:
        taken, turn = 0, self.packed.turn(self.packed.full.get(self.shape, 0))
        rooms: dict[int, int] = {}
        while turn:
            for at in turn:
                if taken == len(pods):
                    return taken
                room = rooms[at] if at in rooms else self.room(self.packed.bins[at], pods[taken])
                if room:
                    self.packed.take(at, pods[taken : taken + 1], next_turn=at + 1)
                    taken += 1
                rooms[at] = room - 1
            turn = [at for at in turn if rooms[at] > 0]
        self.packed.full[self.shape] = len(self.packed.bins)
        return taken

    def added(self, bin: Bin) -> None:
        """Do nothing: these pods look at no other node."""

    def taken(self, bin: Bin, pods: Pods) -> None:
        """Do nothing: these pods look at no other pod."""


class _Between(_Counted):
    """Keeps count of where pods are that are spread, or that join or avoid each other."""

    def __init__(self, pod: PodInfo, packed: Packed) -> None:
        super().__init__(pod, packed)
        self._spread = HardSpread.of(pod, packed.current().nodes.values())

    def room(self, bin: Bin, pod: PodInfo) -> int:
        if not super().room(bin, pod) or (self._spread and self._spread.reject(bin.node)):
            return 0
        return 1

    def fill(self, pods: Pods) -> int:
        bins = self.packed.bins
        for done, pod in enumerate(pods):
            at = next((at for at in self.packed.turn() if self.room(bins[at], pod)), None)
            if at is None:
                return done
            self.packed.take(at, (pod,), next_turn=at + 1)
            self.taken(bins[at], (pod,))
        return len(pods)

    def added(self, bin: Bin) -> None:
        if self._spread:
            self._spread = self._spread.beside(bin.node)

    def taken(self, bin: Bin, pods: Pods) -> None:
        for _ in pods:
            if self._spread:
                self._spread = self._spread.placed(bin.node)
            if self._affinity:
                self._affinity = self._affinity.placed(bin.node, self.packed.snapshot)


class _OneByOne:
    """Asks every filter for every pod."""

    def __init__(self, packed: Packed) -> None:
        self.packed = packed

    def room(self, bin: Bin, pod: PodInfo) -> int:
        try:
            checks = Checks.of(pod, self.packed.current())
        except BlockedError:
            return 0
        return 0 if checks.reject(bin.info) else 1

    def fill(self, pods: Pods) -> int:
        for taken, pod in enumerate(pods):
            try:
                checks = Checks.of(pod, self.packed.current())
            except BlockedError:
                return taken
            at = next((at for at in self.packed.turn() if not checks.reject(self.packed.bins[at].info)), None)
            if at is None:
                return taken
            self.packed.take(at, (pod,), next_turn=at + 1)
        return len(pods)

    def added(self, bin: Bin) -> None:
        """Do nothing: all is asked again."""

    def taken(self, bin: Bin, pods: Pods) -> None:
        """Do nothing: all is asked again."""
