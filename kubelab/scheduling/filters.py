"""Whether one node alone can take a pod: upstream's filters that need not look at other nodes.

They run in upstream's order and the first that rejects ends it, so a node is counted under the same
reason as by kube-scheduler v1.37. Texts are upstream's
(``pkg/scheduler/framework/plugins/*``), word for word.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from kubelab.scheduling.selectors import Taint, untolerated
from kubelab.scheduling.shapes import Port, Shape
from kubelab.scheduling.snapshot import Node, NodeInfo

UNSCHEDULABLE_TAINT = Taint("node.kubernetes.io/unschedulable", "", "NoSchedule")
ANY_ADDRESS = "0.0.0.0"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a node does not fit.

    Attributes
    ----------
    plugin : str
        The filter, by its name upstream.
    reason : str
        The text that is counted in the message.
    resolvable : bool
        Whether removing pods from the node could help.
    """

    plugin: str
    reason: str
    resolvable: bool = False


Rejections = tuple[Rejection, ...]

UNSCHEDULABLE = (Rejection("NodeUnschedulable", "node(s) were unschedulable"),)
NODE_AFFINITY = (Rejection("NodeAffinity", "node(s) didn't match Pod's node affinity/selector"),)
NOT_NAMED = (Rejection("NodeAffinity", "node(s) didn't satisfy plugin(s) [NodeAffinity]"),)
PORTS = (
    Rejection("NodePorts", "node(s) didn't have free ports for the requested pod ports", resolvable=True),
)
TOO_MANY_PODS = Rejection("NodeResourcesFit", "Too many pods", resolvable=True)


@cache
def _tainted(key: str, value: str) -> Rejections:
    return (Rejection("TaintToleration", f"node(s) had untolerated taint {{{key}: {value}}}"),)


@cache
def _insufficient(resource: str, *, resolvable: bool) -> Rejection:
    return Rejection("NodeResourcesFit", f"Insufficient {resource}", resolvable)


def reject(shape: Shape, info: NodeInfo) -> Rejections:
    """Return why the node cannot take a pod of this shape; empty if it can."""
    node = info.node
    return (
        _unschedulable(shape, node)
        or _taints(shape, node)
        or _affinity(shape, node)
        or reject_ports(shape.ports, info.ports)
        or _resources(shape, info)
    )


def _unschedulable(shape: Shape, node: Node) -> Rejections:
    if node.unschedulable and untolerated((UNSCHEDULABLE_TAINT,), shape.tolerations):
        return UNSCHEDULABLE
    return ()


def _taints(shape: Shape, node: Node) -> Rejections:
    taint = untolerated(node.taints, shape.tolerations) if node.taints else None
    return _tainted(taint.key, taint.value) if taint else ()


def _affinity(shape: Shape, node: Node) -> Rejections:
    if shape.required_nodes is None:
        return () if shape.node_selector.matches(node.labels) else NODE_AFFINITY
    names = shape.node_names
    if names is not None and node.name not in names:
        return NOT_NAMED
    return () if matches_node(shape, node) else NODE_AFFINITY


def matches_node(shape: Shape, node: Node) -> bool:
    """Say whether a node satisfies nodeSelector and required node affinity."""
    if not shape.node_selector.matches(node.labels):
        return False
    if shape.required_nodes is None:
        return True
    return any(term.matches(node.name, node.labels) for term in shape.required_nodes)


def reject_ports(wanted: tuple[Port, ...], used: tuple[Port, ...]) -> Rejections:
    """Return why host ports that are wanted cannot be had beside those in use."""
    if wanted and used and any(_conflict(one, other) for one in wanted for other in used):
        return PORTS
    return ()


def _conflict(one: Port, other: Port) -> bool:
    same_address = one[1] == other[1] or ANY_ADDRESS in (one[1], other[1])
    return one[0] == other[0] and one[2] == other[2] and same_address


def _resources(shape: Shape, info: NodeInfo) -> Rejections:
    allocatable, requested = info.node.allocatable, info.requested
    lacking: Rejections = ()
    if len(info.pods) + 1 > allocatable.get("pods", 0):
        lacking = (TOO_MANY_PODS,)
    for resource, amount in shape.requests.items():
        capacity = allocatable.get(resource, 0)
        if amount > capacity - requested.get(resource, 0):
            lacking += (_insufficient(resource, resolvable=amount <= capacity),)
    return lacking
