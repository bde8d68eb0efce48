"""The cluster as a decision sees it: frozen nodes, the pods on them, and what they may mount."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from kubelab.client import Object
from kubelab.scheduling.requests import amounts
from kubelab.scheduling.selectors import Labels, Selector, Taint
from kubelab.scheduling.shapes import Port, Shape

Key = tuple[str, str]

ScoringStrategy = Literal["LeastAllocated", "MostAllocated"]
"""Of the plugin NodeResourcesFit, in kube-scheduler's configuration: spread pods out, or pack them."""


@dataclass(frozen=True, slots=True, eq=False)
class PodInfo:
    """What the scheduler keeps of a pod; compared by identity.

    Attributes
    ----------
    created, started : str
        RFC 3339 times; ``started`` is empty until the kubelet has seen the pod.
    nominated_node : str
        Where preemption makes room for it, if anywhere.
    disrupted : bool
        Whether it is being removed for the sake of another pod.
    """

    namespace: str
    name: str
    uid: str
    labels: Labels
    shape: Shape
    priority: int = 0
    created: str = ""
    started: str = ""
    terminating: bool = False
    nominated_node: str = ""
    disrupted: bool = False

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return self.namespace, self.name

    @staticmethod
    def of(pod: Object, shape: Shape) -> PodInfo:
        """Read a pod whose shape is known."""
        meta, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
        return PodInfo(
            namespace=meta.get("namespace", ""),
            name=meta["name"],
            uid=meta.get("uid", ""),
            labels=meta.get("labels") or {},
            shape=shape,
            priority=spec.get("priority") or 0,
            created=meta.get("creationTimestamp") or "",
            started=status.get("startTime") or "",
            terminating="deletionTimestamp" in meta,
            nominated_node=status.get("nominatedNodeName") or "",
            disrupted=any(
                each.get("type") == "DisruptionTarget" and each.get("status") == "True"
                for each in status.get("conditions") or ()
            ),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A node's own part: what its object says. ``tie`` orders nodes that are equally good."""

    name: str
    tie: int
    labels: Labels
    taints: tuple[Taint, ...]
    unschedulable: bool
    allocatable: Mapping[str, int]
    images: Mapping[str, int]

    @staticmethod
    def of(node: Object, seed: int) -> Node:
        """Read a Node object."""
        spec, status = node.get("spec") or {}, node.get("status") or {}
        name = node["metadata"]["name"]
        return Node(
            name=name,
            tie=tie_break(seed, name),
            labels=node["metadata"].get("labels") or {},
            taints=tuple(
                Taint(each["key"], each.get("value") or "", each["effect"])
                for each in spec.get("taints") or ()
            ),
            unschedulable=bool(spec.get("unschedulable")),
            allocatable=amounts(status.get("allocatable")),
            images={
                image: each.get("sizeBytes") or 0
                for each in status.get("images") or ()
                for image in each.get("names") or ()
            },
        )

    def says_the_same(self, other: Node) -> bool:
        """Say whether nothing that the scheduler reads is different."""
        return (
            self.labels == other.labels
            and self.taints == other.taints
            and self.unschedulable == other.unschedulable
            and self.allocatable == other.allocatable
            and self.images == other.images
        )

    @property
    def prefers_no_pods(self) -> bool:
        """Whether it has a PreferNoSchedule taint."""
        return any(taint.effect == "PreferNoSchedule" for taint in self.taints)


def tie_break(seed: int, name: str) -> int:
    """Return a node's place among equals: a hash, so that it depends on nothing but seed and name."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest())


@dataclass(frozen=True, slots=True, eq=False)
class NodeInfo:
    """A node and the pods on it, with their sums; every change makes a new one.

    ``with_terms`` are those of its pods that have (anti-)affinity to other pods.
    """

    node: Node
    pods: Mapping[str, PodInfo] = field(default_factory=dict)
    requested: Mapping[str, int] = field(default_factory=dict)
    nonzero_cpu_millicores: int = 0
    nonzero_memory_bytes: int = 0
    ports: tuple[Port, ...] = ()
    with_terms: tuple[PodInfo, ...] = ()

    @property
    def name(self) -> str:
        """The node's name."""
        return self.node.name

    def on(self, node: Node) -> NodeInfo:
        """Return the same pods on the node as it is now."""
        return replace(self, node=node)

    def plus(self, pod: PodInfo) -> NodeInfo:
        """Return the node with one pod more."""
        shape = pod.shape
        return NodeInfo(
            self.node,
            {**self.pods, pod.uid: pod},
            _added(self.requested, shape.requests, 1),
            self.nonzero_cpu_millicores + shape.nonzero_cpu_millicores,
            self.nonzero_memory_bytes + shape.nonzero_memory_bytes,
            (*self.ports, *shape.ports),
            (*self.with_terms, pod) if shape.has_pod_terms else self.with_terms,
        )

    def minus(self, pod: PodInfo) -> NodeInfo:
        """Return the node with one pod less."""
        shape = pod.shape
        ports = list(self.ports)
        for port in shape.ports:
            ports.remove(port)
        return NodeInfo(
            self.node,
            {uid: each for uid, each in self.pods.items() if uid != pod.uid},
            _added(self.requested, shape.requests, -1),
            self.nonzero_cpu_millicores - shape.nonzero_cpu_millicores,
            self.nonzero_memory_bytes - shape.nonzero_memory_bytes,
            tuple(ports),
            tuple(each for each in self.with_terms if each.uid != pod.uid),
        )


def _added(total: Mapping[str, int], part: Mapping[str, int], sign: int) -> dict[str, int]:
    result = dict(total)
    for resource, amount in part.items():
        result[resource] = result.get(resource, 0) + sign * amount
    return result


@dataclass(frozen=True, slots=True)
class Budget:
    """A PodDisruptionBudget: how many of its pods may go now."""

    namespace: str
    selector: Selector
    disruptions_allowed: int
    disrupted_pods: frozenset[str]

    @staticmethod
    def of(budget: Object) -> Budget:
        """Read a PodDisruptionBudget."""
        spec, status = budget["spec"], budget.get("status") or {}
        return Budget(
            budget["metadata"]["namespace"],
            Selector.of(spec.get("selector") or {}),
            status.get("disruptionsAllowed") or 0,
            frozenset(status.get("disruptedPods") or {}),
        )


@dataclass(frozen=True, slots=True)
class Storage:
    """Claims, volumes and storage classes, as the API has them."""

    claims: Mapping[Key, Object] = field(default_factory=dict)
    volumes: Mapping[Key, Object] = field(default_factory=dict)
    classes: Mapping[Key, Object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a decision may look at.

    Attributes
    ----------
    nodes : mapping of str to NodeInfo
    nominated : mapping of str to tuple of PodInfo
        By node: pods for which preemption is making room there.
    services : mapping of str to tuple of Selector
        By namespace: what Services select; their pods are spread even if they do not ask for it.
    namespaces : mapping of str to labels
    image_nodes : mapping of str to int
        On how many nodes an image is.
    pods_with_terms : int
        How many bound pods have (anti-)affinity to other pods.
    nodes_preferring_none : int
        How many nodes have a PreferNoSchedule taint.
    lowest_priority : int or None
        The lowest priority of any pod on a node.
    scoring_strategy : str
        Whether free nodes are better, or full ones.
    """

    nodes: Mapping[str, NodeInfo]
    nominated: Mapping[str, tuple[PodInfo, ...]] = field(default_factory=dict)
    services: Mapping[str, tuple[Selector, ...]] = field(default_factory=dict)
    namespaces: Mapping[str, Labels] = field(default_factory=dict)
    storage: Storage = field(default_factory=Storage)
    image_nodes: Mapping[str, int] = field(default_factory=dict)
    pods_with_terms: int = 0
    nodes_preferring_none: int = 0
    lowest_priority: int | None = None
    scoring_strategy: ScoringStrategy = "LeastAllocated"
