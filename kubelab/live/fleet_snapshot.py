"""What a fleet looks like at one moment: node groups, nodes and pods, and what it costs; frozen and pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.costs.intervals import CAPACITY_TYPE, INSTANCE_TYPE, NODE_GROUP
from kubelab.costs.prices import price_of
from kubelab.owners import Owner
from kubelab.scheduling.requests import amounts, held_requests

_GROUP_LABELS = (
    NODE_GROUP,
    "eks.amazonaws.com/nodegroup",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
    "karpenter.sh/nodepool",
    INSTANCE_TYPE,
)
"""By which label providers say a node's group, ours first; else nodes of one type are a group."""

_ENDED = frozenset({"Succeeded", "Failed"})
_GPU = "nvidia.com/gpu"


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node as a view shows it.

    Attributes
    ----------
    number : int
        Tells it from every other row of the fleet.
    cpu_millicores, memory_bytes, gpus, max_pods : int
        Its allocatable.
    state : {"Ready", "NotReady", "Cordoned", "Leaving"}
        ``Leaving`` if a taint says that the provider or the autoscaler takes it away.
    usd_per_hour, price_date
        None and "" if nobody says its price.
    """

    number: int
    name: str
    group: str
    instance_type: str
    capacity_type: str
    cpu_millicores: int
    memory_bytes: int
    gpus: int
    max_pods: int
    state: str
    usd_per_hour: float | None
    price_date: str
    kind: str = "node"


@dataclass(frozen=True, slots=True)
class PodRow:
    """A pod that has not ended, as a view shows it.

    Attributes
    ----------
    node : str
        Where it is; "" while it is pending.
    owner : str
        Its controller; "" if it has none.
    why : str
        What the scheduler says of one that is pending.
    """

    number: int
    name: str
    namespace: str
    owner: str
    node: str
    cpu_millicores: int
    memory_bytes: int
    gpus: int
    state: str
    why: str = ""
    kind: str = "pod"


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A node group: its sizes, and the price of one node with its date.

    Attributes
    ----------
    target, least, most : int or None
        None where no NodeGroup says it.
    coming : int
        Nodes that were asked for and have not come.
    problem : str
        Why nodes do not come; "" if nothing is wrong.
    """

    name: str
    instance_type: str
    capacity_type: str
    size: int
    ready: int
    target: int | None = None
    least: int | None = None
    most: int | None = None
    coming: int = 0
    usd_per_hour: float | None = None
    price_date: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Fleet:
    """The fleet in sum.

    Attributes
    ----------
    now : str
        The cluster's time, RFC 3339.
    usd_per_hour, spent_usd : float
        Of nodes whose price is known: now, and since ``since``.
    price_dates : tuple of str
        The dates of the prices in both sums, oldest first.
    unpriced : int
        Nodes whose price is not known.
    """

    now: str
    nodes: int
    pods: int
    pending: int
    usd_per_hour: float
    spent_usd: float
    since: str
    price_dates: tuple[str, ...]
    unpriced: int


@dataclass(frozen=True, slots=True)
class FleetSnapshot:
    """Everything at one moment."""

    fleet: Fleet
    groups: tuple[GroupRow, ...]
    nodes: tuple[NodeRow, ...]
    pods: tuple[PodRow, ...]


@dataclass(frozen=True, slots=True)
class FleetUpdate:
    """What changed since the last one: sums and groups whole, rows that are new or differ, numbers gone."""

    fleet: Fleet
    groups: tuple[GroupRow, ...]
    rows: tuple[NodeRow | PodRow, ...]
    gone: tuple[int, ...]


def node_row(number: int, node: Object) -> NodeRow:
    """Return a Node's row."""
    labels = node["metadata"].get("labels") or {}
    allocatable = amounts((node.get("status") or {}).get("allocatable"))
    price = price_of(node)
    return NodeRow(
        number=number,
        name=node["metadata"]["name"],
        group=next((labels[name] for name in _GROUP_LABELS if labels.get(name)), ""),
        instance_type=labels.get(INSTANCE_TYPE, ""),
        capacity_type=labels.get(CAPACITY_TYPE, ""),
        cpu_millicores=allocatable.get("cpu", 0),
        memory_bytes=allocatable.get("memory", 0),
        gpus=allocatable.get(_GPU, 0),
        max_pods=allocatable.get("pods", 110),
        state=_node_state(node),
        usd_per_hour=price.usd_per_hour if price else None,
        price_date=price.date.isoformat() if price else "",
    )


def pod_row(number: int, pod: Object) -> PodRow | None:
    """Return a Pod's row; None once it has ended, for then it holds nothing."""
    status, meta = pod.get("status") or {}, pod["metadata"]
    phase = status.get("phase", "Pending")
    if phase in _ENDED:
        return None
    asked, node = held_requests(pod), pod["spec"].get("nodeName") or ""
    starting = "Starting" if node and phase == "Pending" else phase
    return PodRow(
        number=number,
        name=meta["name"],
        namespace=meta.get("namespace", ""),
        owner=Owner.of(pod).controller,
        node=node,
        cpu_millicores=asked.get("cpu", 0),
        memory_bytes=asked.get("memory", 0),
        gpus=asked.get(_GPU, 0),
        state="Terminating" if meta.get("deletionTimestamp") else starting,
        why="" if node else _why_pending(status),
    )


def group_rows(objects: Iterable[Object], nodes: Iterable[NodeRow]) -> tuple[GroupRow, ...]:
    """Return NodeGroups by name, then groups that only nodes tell of.

    Parameters
    ----------
    objects : iterable of dict
        NodeGroup objects.
    """
    members: dict[str, list[NodeRow]] = {}
    for node in nodes:
        members.setdefault(node.group, []).append(node)
    declared = [_declared(obj, members.pop(obj["metadata"]["name"], [])) for obj in objects]
    found = [_found(name, of_group) for name, of_group in members.items()]
    return (*sorted(declared, key=_by_name), *sorted(found, key=_by_name))


def share(pod: PodRow, node: NodeRow) -> float:
    """Return the largest part that a pod holds of a node's CPU, memory, GPUs and number of pods."""
    parts = (
        (pod.cpu_millicores, node.cpu_millicores),
        (pod.memory_bytes, node.memory_bytes),
        (pod.gpus, node.gpus),
        (1, node.max_pods),
    )
    return max(asked / there for asked, there in parts if there)


def _node_state(node: Object) -> str:
    taints = node["spec"].get("taints") or ()
    if any(
        each["key"] in {"autoscaling.kubelab.dev/interrupted", "ToBeDeletedByClusterAutoscaler"}
        for each in taints
    ):
        return "Leaving"
    conditions = (node.get("status") or {}).get("conditions") or ()
    if not any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
        return "NotReady"
    return "Cordoned" if node["spec"].get("unschedulable") else "Ready"


def _why_pending(status: Mapping[str, object]) -> str:
    conditions = status.get("conditions") or ()
    found = (each for each in conditions if each["type"] == "PodScheduled")  # type: ignore[attr-defined]
    return next((str(each.get("message", "")) for each in found), "")


def _declared(obj: Object, nodes: list[NodeRow]) -> GroupRow:
    spec, status = obj["spec"], obj.get("status") or {}
    price = status.get("price") or {}
    refused = (
        each["message"]
        for each in status.get("conditions") or ()
        if each["type"] == "Accepted" and each["status"] == "False"
    )
    return GroupRow(
        name=obj["metadata"]["name"],
        instance_type=spec.get("instanceType", ""),
        capacity_type=spec.get("capacityType", "on-demand"),
        size=len(nodes),
        ready=_ready(nodes),
        target=int(spec.get("replicas") or 0),
        least=int(spec.get("minSize", 0)),
        most=int(spec.get("maxSize", 1000)),
        coming=len(status.get("provisioning") or ()),
        usd_per_hour=price.get("usdPerHour"),
        price_date=price.get("date", ""),
        problem=next(refused, "") or (status.get("outOfCapacity") or {}).get("message", ""),
    )


def _found(name: str, nodes: list[NodeRow]) -> GroupRow:
    first = nodes[0]
    return GroupRow(
        name=name,
        instance_type=first.instance_type,
        capacity_type=first.capacity_type,
        size=len(nodes),
        ready=_ready(nodes),
        usd_per_hour=first.usd_per_hour,
        price_date=first.price_date,
    )


def _ready(nodes: list[NodeRow]) -> int:
    return sum(node.state in {"Ready", "Cordoned"} for node in nodes)


def _by_name(group: GroupRow) -> str:
    return group.name
