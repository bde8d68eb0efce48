"""The cluster as the informers tell it, plus the placements they have not seen yet (assumed pods)."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

from kubelab.client import Object
from kubelab.scheduling.ranking import Rankings
from kubelab.scheduling.selectors import Labels, Selector
from kubelab.scheduling.shapes import Shapes
from kubelab.scheduling.snapshot import Key, Node, NodeInfo, PodInfo, ScoringStrategy, Snapshot, Storage

FINISHED = frozenset({"Succeeded", "Failed"})


def is_finished(pod: Object) -> bool:
    """Say whether a pod no longer uses its node."""
    return (pod.get("status") or {}).get("phase") in FINISHED


class Cache:
    """Nodes with the pods on them, kept current event by event.

    Parameters
    ----------
    seed : int
        Orders nodes that are equally good.
    scoring_strategy : str
        Of its snapshots.
    """

    def __init__(self, seed: int, scoring_strategy: ScoringStrategy = "LeastAllocated") -> None:
        self.seed = seed
        self.scoring_strategy: ScoringStrategy = scoring_strategy
        self.shapes = Shapes()
        self.rankings = Rankings()
        self.nodes: dict[str, NodeInfo] = {}
        self._services: dict[str, dict[str, Selector]] = defaultdict(dict)
        self._selectors: dict[str, tuple[Selector, ...]] = {}
        self.namespaces: dict[str, Labels] = {}
        self.claims: dict[Key, Object] = {}
        self.volumes: dict[Key, Object] = {}
        self.classes: dict[Key, Object] = {}
        self._storage = Storage(self.claims, self.volumes, self.classes)
        self._placed: dict[str, tuple[str, PodInfo]] = {}
        self._waiting: dict[str, dict[str, PodInfo]] = defaultdict(dict)
        self._assumed: set[str] = set()
        self._nominated: dict[str, PodInfo] = {}
        self._image_nodes: Counter[str] = Counter()
        self._priorities: Counter[int] = Counter()
        self._with_terms = 0
        self._preferring_none = 0

    def snapshot(self) -> Snapshot:
        """Return the cluster as it is now, for one decision."""
        return Snapshot(
            nodes=self.nodes,
            nominated=self._nominations() if self._nominated else {},
            services=self._selectors,
            namespaces=self.namespaces,
            storage=self._storage,
            image_nodes=self._image_nodes,
            pods_with_terms=self._with_terms,
            nodes_preferring_none=self._preferring_none,
            lowest_priority=min(self._priorities, default=None),
            scoring_strategy=self.scoring_strategy,
        )

    def info_of(self, pod: Object) -> PodInfo:
        """Read a pod."""
        return PodInfo.of(pod, self.shapes.of(pod))

    def set_node(self, name: str, obj: Object | None) -> bool:
        """Take a node in, as it is now (None if it is gone); say whether that changes anything."""
        old = self.nodes.get(name)
        new = Node.of(obj, self.seed) if obj is not None else None
        if old is not None and new is not None and old.node.says_the_same(new):
            return False
        if old is not None:
            self._count_node(old.node, -1)
        if new is None:
            self._remove_node(name)
        else:
            self._count_node(new, 1)
            self._set(old.on(new) if old is not None else self._with_waiting(NodeInfo(new)))
        if self._image_nodes:
            self.rankings.forget()
        self.rankings.changed(name)
        return True

    def set_service(self, namespace: str, name: str, selector: Selector | None) -> None:
        """Take in what a Service selects; None if nothing, or if it is gone."""
        if selector is None:
            self._services[namespace].pop(name, None)
        else:
            self._services[namespace][name] = selector
        self._selectors = {**self._selectors, namespace: tuple(self._services[namespace].values())}

    def place(self, pod: PodInfo, node: str, *, assumed: bool = False) -> None:
        """Put a pod on a node: as the API says, or assumed until it does."""
        before = self._placed.get(pod.uid)
        if before is not None:
            if before == (node, pod):
                return
            self._take_off(pod.uid)
        self._placed[pod.uid] = (node, pod)
        self._priorities[pod.priority] += 1
        self._with_terms += pod.shape.has_pod_terms
        (self._assumed.add if assumed else self._assumed.discard)(pod.uid)
        info = self.nodes.get(node)
        if info is None:
            self._waiting[node][pod.uid] = pod
        else:
            self._set(info.plus(pod))

    def confirm(self, uid: str, node: str) -> bool:
        """Say whether the pod was assumed on this node, and stop calling it assumed."""
        if uid not in self._assumed or self._placed[uid][0] != node:
            return False
        self._assumed.discard(uid)
        return True

    def node_of(self, uid: str) -> str:
        """Return where a pod is placed; empty if nowhere."""
        placed = self._placed.get(uid)
        return placed[0] if placed else ""

    def is_assumed(self, uid: str) -> bool:
        """Say whether a pod is placed only as far as the scheduler knows."""
        return uid in self._assumed

    def remove(self, uid: str) -> None:
        """Take a pod off its node, and forget any nomination."""
        self._nominated.pop(uid, None)
        if uid in self._placed:
            self._take_off(uid)

    def nominate(self, pod: PodInfo, node: str) -> None:
        """Note that room is being made for a pod; an empty node ends that."""
        if node:
            self._nominated[pod.uid] = replace(pod, nominated_node=node)
        else:
            self._nominated.pop(pod.uid, None)

    def nominated_on(self, node: str) -> list[PodInfo]:
        """Return the pods that room is being made for on a node."""
        return [pod for pod in self._nominated.values() if pod.nominated_node == node]

    def nomination(self, uid: str) -> str:
        """Return where room is being made for a pod; empty if nowhere."""
        pod = self._nominated.get(uid)
        return pod.nominated_node if pod else ""

    def _nominations(self) -> dict[str, tuple[PodInfo, ...]]:
        by_node: dict[str, tuple[PodInfo, ...]] = {}
        for pod in self._nominated.values():
            by_node[pod.nominated_node] = (*by_node.get(pod.nominated_node, ()), pod)
        return by_node

    def _set(self, info: NodeInfo) -> None:
        self.nodes[info.name] = info
        self.rankings.changed(info.name)

    def _take_off(self, uid: str) -> None:
        name, pod = self._placed.pop(uid)
        self._assumed.discard(uid)
        self._with_terms -= pod.shape.has_pod_terms
        self._priorities[pod.priority] -= 1
        if not self._priorities[pod.priority]:
            del self._priorities[pod.priority]
        info = self.nodes.get(name)
        if info is None:
            self._waiting[name].pop(uid, None)
        else:
            self._set(info.minus(pod))

    def _with_waiting(self, info: NodeInfo) -> NodeInfo:
        for pod in self._waiting.pop(info.name, {}).values():
            info = info.plus(pod)
        return info

    def _remove_node(self, name: str) -> None:
        info = self.nodes.pop(name, None)
        if info is not None and info.pods:
            self._waiting[name] = dict(info.pods)

    def _count_node(self, node: Node, sign: int) -> None:
        self._preferring_none += sign * node.prefers_no_pods
        for image in node.images:
            self._image_nodes[image] += sign
            if not self._image_nodes[image]:
                del self._image_nodes[image]
