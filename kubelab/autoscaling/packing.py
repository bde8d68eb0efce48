"""The new nodes of an estimate, filled as it goes: mutable, and seen by nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kubelab.scheduling.filters import reject, reject_ports
from kubelab.scheduling.shapes import Port, Shape
from kubelab.scheduling.snapshot import Node, NodeInfo, PodInfo, Snapshot
from kubelab.scheduling.spread import HOSTNAME


class Bin:
    """A new node while it is filled; the scheduler's view of it is made when asked for."""

    def __init__(self, fresh: NodeInfo, node: Node) -> None:
        self.node = node
        self._info = replace(fresh, node=node)
        self._waiting: list[PodInfo] = []
        self._count = len(fresh.pods)
        self._free = {name: value - fresh.requested.get(name, 0) for name, value in node.allocatable.items()}
        self._ports: tuple[Port, ...] = fresh.ports
        self.empty = True

    def room(self, shape: Shape) -> int:
        """Return how many pods of a shape its resources and ports still take."""
        free = self._free
        room = self.node.allocatable.get("pods", 0) - self._count
        for resource, amount in shape.requests.items():
            room = min(room, free.get(resource, 0) // amount)
        if room > 0 and shape.ports:
            return 0 if reject_ports(shape.ports, self._ports) else 1
        return max(room, 0)

    def take(self, pods: Sequence[PodInfo]) -> None:
        """Put pods of one shape on it."""
        shape, count = pods[0].shape, len(pods)
        for resource, amount in shape.requests.items():
            self._free[resource] = self._free.get(resource, 0) - amount * count
        self._count += count
        self._ports += shape.ports * count
        self._waiting += pods
        self.empty = False

    @property
    def info(self) -> NodeInfo:
        """The node as the scheduler's filters see it."""
        for pod in self._waiting:
            self._info = self._info.plus(pod)
        self._waiting.clear()
        return self._info


class Packed:
    """The new nodes so far.

    Parameters
    ----------
    fresh : NodeInfo
        What each of them is like at first.
    snapshot : Snapshot
        The cluster without them.

    Attributes
    ----------
    snapshot : Snapshot
        The cluster with those of them that `current` has seen.
    placed : list of PodInfo
        The pods on them, in the order of placing.
    full : dict of Shape to int
        How many of the first nodes are known to take no more pods of a shape.
    pods_with_terms : int
        How many pods, there or here, have rules about other pods.
    """

    def __init__(self, fresh: NodeInfo, snapshot: Snapshot) -> None:
        self.fresh = fresh
        self.bins: list[Bin] = []
        self.placed: list[PodInfo] = []
        self.full: dict[Shape, int] = {}
        self.pods_with_terms = snapshot.pods_with_terms + len(fresh.with_terms)
        self._suited: dict[Shape, bool] = {}
        self._next = 0
        self._nodes = dict(snapshot.nodes)
        self.snapshot = replace(snapshot, nodes=self._nodes)

    def suits(self, shape: Shape) -> bool:
        """Say whether a new node without any pod would take one of this shape."""
        known = self._suited.get(shape)
        if known is None:
            known = self._suited[shape] = not reject(shape, NodeInfo(self._node(0)))
        return known

    def add(self) -> Bin:
        """Add a node."""
        made = Bin(self.fresh, self._node(len(self.bins)))
        self.bins.append(made)
        return made

    def _node(self, number: int) -> Node:
        name = f"{self.fresh.name}-estimated-{number}"
        return replace(self.fresh.node, name=name, labels={**self.fresh.node.labels, HOSTNAME: name})

    def turn(self, first: int = 0) -> list[int]:
        """Return the numbers of the nodes from ``first`` on, behind the one that took the last pod first."""
        begin = max(self._next, first)
        return [*range(begin, len(self.bins)), *range(first, min(begin, len(self.bins)))]

    def take(self, at: int, pods: Sequence[PodInfo], *, next_turn: int | None = None) -> None:
        """Put pods of one shape on a node, and say where the next turn begins, if that changes."""
        self.bins[at].take(pods)
        self.placed += pods
        self.pods_with_terms += len(pods) * pods[0].shape.has_pod_terms
        self._next = self._next if next_turn is None else next_turn

    def current(self) -> Snapshot:
        """Return the cluster with the new nodes as they are now; it is good until the next change."""
        self._nodes.update((each.node.name, each.info) for each in self.bins)
        return replace(self.snapshot, pods_with_terms=self.pods_with_terms)
