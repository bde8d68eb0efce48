"""Which pods lack room, and which node groups could give it: the options of one loop.

Upstream: ``core/scaleup/orchestrator`` and ``core/podlistprocessor`` of Cluster Autoscaler 1.36.1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kubelab.autoscaling.estimator import estimate
from kubelab.autoscaling.option import Option, PendingPod, Template
from kubelab.quantities import format_memory
from kubelab.scheduling.decide import Checks
from kubelab.scheduling.filters import Rejections, reject
from kubelab.scheduling.snapshot import NodeInfo, PodInfo, Snapshot
from kubelab.scheduling.volumes import BlockedError

EXPENDABLE_BELOW = -10
"""Pods of a lower priority never cause a scale-up (``--expendable-pods-priority-cutoff``)."""

GROUPS_PER_CONTROLLER = 10
"""Upstream: ``maxEquivalenceGroupsByController``."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A node group that may grow.

    Attributes
    ----------
    fresh : NodeInfo
        A new node of it, with the pods of DaemonSets on it.
    shut : str
        Why it cannot grow now, such as ``max node group size reached``; empty if it can.
    """

    name: str
    template: Template
    fresh: NodeInfo
    shut: str = ""


@dataclass(frozen=True, slots=True)
class Unhelped:
    """Why a group gives no option.

    Attributes
    ----------
    reason : str
        Which resource a pod lacks there and by how much, or why the group is shut.
    """

    node_group: str
    reason: str


@dataclass(frozen=True, slots=True)
class Offers:
    """The options of one loop, the groups that give none, and the pods that no group can take."""

    options: tuple[Option, ...] = ()
    unhelped: tuple[Unhelped, ...] = ()
    hopeless: tuple[PodInfo, ...] = field(default=())


def without_room(pods: Iterable[PodInfo], snapshot: Snapshot) -> list[PodInfo]:
    """Return the pods that fit on no node, with room taken in order of priority.

    Parameters
    ----------
    snapshot : Snapshot
        The nodes that are there and those that are on their way.
    """
    nodes = dict(snapshot.nodes)
    names, alone = tuple(nodes), not snapshot.pods_with_terms
    left: list[PodInfo] = []
    full: Counter[int] = Counter()  # by shape: how many nodes from the first on have no room, and get none
    for pod in sorted(pods, key=lambda each: (-each.priority, each.created, each.key)):
        if alone and pod.shape.local:
            at = full[id(pod.shape)]
            while at < len(names) and reject(pod.shape, nodes[names[at]]):
                at += 1
            full[id(pod.shape)] = at
            target = names[at] if at < len(names) else None
        else:
            target = _room_beside_others(pod, nodes, snapshot)
        if target is None:
            left.append(pod)
        else:
            nodes[target] = nodes[target].plus(pod)
    return left


def _room_beside_others(pod: PodInfo, nodes: Mapping[str, NodeInfo], snapshot: Snapshot) -> str | None:
    try:
        checks = Checks.of(pod, replace(snapshot, nodes=nodes))
    except BlockedError:
        return None
    return next((name for name, info in nodes.items() if not checks.reject(info)), None)


def alike(pods: Iterable[PodInfo], controller_of: Callable[[PodInfo], str]) -> list[list[PodInfo]]:
    """Group pods that any node judges the same: of one controller, with one shape and the same labels.

    Parameters
    ----------
    controller_of : callable
        Returns the uid of a pod's controller; "" if it has none, and then it is alone in its group.
    """
    groups: dict[tuple[object, ...], list[PodInfo]] = {}
    kinds: Counter[str] = Counter()
    for pod in pods:
        owner = controller_of(pod)
        labels = tuple(sorted(pod.labels.items()))
        key: tuple[object, ...] = (owner, pod.namespace, id(pod.shape), labels) if owner else (pod.uid,)
        if key not in groups and owner:
            if kinds[owner] >= GROUPS_PER_CONTROLLER:
                key = (pod.uid,)
            kinds[owner] += 1
        groups.setdefault(key, []).append(pod)
    return list(groups.values())


def offers(
    groups: Sequence[Sequence[PodInfo]],
    offered: Sequence[Offered],
    snapshot: Snapshot,
    *,
    max_nodes: int = 1000,
    out_of_time: Callable[[], bool] = lambda: False,
) -> Offers:
    """Return one option for each node group that can take any of the pods.

    Parameters
    ----------
    groups : sequence of sequences of PodInfo
        Pods by likeness, as `alike` gives them.
    """
    options: list[Option] = []
    unhelped: list[Unhelped] = []
    helped: set[str] = set()
    for group in offered:
        if group.shut:
            unhelped.append(Unhelped(group.name, group.shut))
            continue
        fitting, lacking = _fitting(groups, group.fresh, snapshot)
        helped.update(each[0].uid for each in fitting)
        if not fitting:
            unhelped.append(Unhelped(group.name, lacking))
            continue
        estimated = estimate(fitting, group.fresh, snapshot, max_nodes=max_nodes, out_of_time=out_of_time)
        if not estimated.node_count:
            unhelped.append(Unhelped(group.name, "none of the pods fits on a new node"))
            continue
        pods = tuple(_pending(pod) for pod in estimated.pods)
        options.append(Option(group.name, estimated.node_count, pods, group.template))
    hopeless = tuple(pod for each in groups if each[0].uid not in helped for pod in each)
    return Offers(tuple(options), tuple(unhelped), hopeless)


def _fitting(
    groups: Sequence[Sequence[PodInfo]], fresh: NodeInfo, snapshot: Snapshot
) -> tuple[list[Sequence[PodInfo]], str]:
    """Return the groups whose first pod fits on a new node, and what the last of the others lacks."""
    fitting: list[Sequence[PodInfo]] = []
    lacking = "there are no pods"
    for group in groups:
        rejections = _rejections(group[0], fresh, snapshot)
        if rejections is None:
            lacking = "its volumes keep the pod from every node"
        elif rejections:
            lacking = _explained(group[0], fresh, rejections)
        else:
            fitting.append(group)
    return fitting, lacking


def _rejections(pod: PodInfo, fresh: NodeInfo, snapshot: Snapshot) -> Rejections | None:
    if pod.shape.local and not snapshot.pods_with_terms:
        return reject(pod.shape, fresh)
    try:
        with_fresh = replace(snapshot, nodes={**snapshot.nodes, fresh.name: fresh})
        return Checks.of(pod, with_fresh).reject(fresh)
    except BlockedError:
        return None


def _explained(pod: PodInfo, fresh: NodeInfo, rejections: Rejections) -> str:
    """Return what a pod lacks on a new node, with amounts where that is a resource."""
    parts = []
    for each in rejections:
        resource = each.reason.removeprefix("Insufficient ")
        if resource == each.reason:
            parts.append(each.reason)
            continue
        free = fresh.node.allocatable.get(resource, 0) - fresh.requested.get(resource, 0)
        wanted = pod.shape.requests.get(resource, 0)
        parts.append(
            f"{resource}: the pod asks for {_shown(resource, wanted)}, "
            f"a new node has {_shown(resource, free)} ({_shown(resource, wanted - free)} too little)"
        )
    return "; ".join(parts)


def _shown(resource: str, amount: int) -> str:
    if resource == "cpu":
        return f"{amount / 1000:g}"
    return format_memory(amount) if resource in ("memory", "ephemeral-storage") else f"{amount}"


def _pending(pod: PodInfo) -> PendingPod:
    return PendingPod(pod.namespace, pod.name, pod.shape.requests, pod.priority)


def capped(count: int, room: int, total: int, max_total: int) -> int:
    """Return how many nodes may be added.

    Parameters
    ----------
    room : int
        How many the group lacks to its maximum.
    total, max_total : int
        How many nodes there are or will be, and may be (0: no limit).
    """
    count = min(count, room)
    return max(min(count, max_total - total), 0) if max_total else count
