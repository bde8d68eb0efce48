"""The cluster as the autoscaler sees it: nodes with their pods, pods without a node, node groups, budgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from kubelab.autoscaling.catalogue import InstanceType
from kubelab.autoscaling.node_group import NODE_GROUP, NodeGroup
from kubelab.autoscaling.scale_down import TO_BE_DELETED
from kubelab.client import BUDGETS, DAEMON_SETS, NODE_GROUPS, NODES, PODS, Object
from kubelab.clock import parse_rfc3339
from kubelab.engine.controllers.clusterautoscaler.daemons import DaemonSizes
from kubelab.engine.controllers.clusterautoscaler.fresh import fresh_node
from kubelab.engine.controllers.conditions import find, is_true
from kubelab.engine.controllers.owners import controller_of
from kubelab.engine.controllers.pods import BY_NODE, by_node
from kubelab.engine.controllers.views import Views
from kubelab.errors import KubelabError
from kubelab.scheduling.cache import Cache, is_finished
from kubelab.scheduling.snapshot import Budget, NodeInfo, PodInfo

_SCHEDULER = "default-scheduler"
_ALL = "all"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pod that the scheduler found no node for.

    Attributes
    ----------
    since : datetime
        When it was created.
    owner : str
        The uid of its controller; "" without one.
    """

    info: PodInfo
    object: Object
    since: datetime
    owner: str


@dataclass(frozen=True, slots=True)
class NodeState:
    """What the loop asks of a node again and again.

    Attributes
    ----------
    group : str
        Its node group; "" for none.
    going : bool
        Whether the autoscaler is about to remove it.
    """

    name: str
    group: str
    ready: bool
    going: bool
    created: datetime


class World:
    """Kept current by watches; ``version`` grows with every change that could matter.

    Parameters
    ----------
    views : Views
    catalogue : callable
        Gives the catalogue of instance types when it is first needed.
    sizes : DaemonSizes
        What daemons' pods will ask for on new nodes.
    """

    def __init__(
        self, views: Views, catalogue: Callable[[], Mapping[str, InstanceType]], sizes: DaemonSizes
    ) -> None:
        self.version = 0
        self.sizes = sizes
        self.cache = Cache(seed=0)
        self.pods = views.of(PODS)
        self.nodes = views.of(NODES)
        self.groups_view = views.of(NODE_GROUPS)
        self._daemons = views.of(DAEMON_SETS)
        self._budgets = views.of(BUDGETS)
        self._catalogue = catalogue
        self._waiting: dict[str, Waiting] = {}
        self.states: dict[str, NodeState] = {}
        self._by_group: dict[str, dict[str, NodeState]] = {}
        self._groups: dict[tuple[str, str], NodeGroup | None] = {}
        self.pods.index(BY_NODE, by_node)
        for view in (self.groups_view, self._daemons, self._budgets):
            view.index(_ALL, lambda _obj: (_ALL,))
            view.subscribe(self._on_other)
        sizes.autoscalers.subscribe(self._on_recommendation)
        self.nodes.subscribe(self._on_node)
        self.pods.subscribe(self._on_pod)

    def waiting(self) -> list[Waiting]:
        """Return the pods without a node that the scheduler has given up on for now, oldest first."""
        return sorted(self._waiting.values(), key=lambda each: (each.since, each.info.key))

    def groups(self) -> list[NodeGroup]:
        """Return the node groups that make sense, by name."""
        found = (self._group(obj) for obj in self.groups_view.by_index(_ALL, _ALL))
        return sorted((group for group in found if group is not None), key=lambda group: group.name)

    def group_object(self, name: str) -> Object | None:
        """Return a node group as the API has it."""
        return self.groups_view.get("", name)

    def members(self, group: str) -> list[NodeState]:
        """Return the nodes of a group; those without one for ""."""
        return list(self._by_group.get(group, {}).values())

    def going(self) -> list[NodeState]:
        """Return the nodes that are about to be removed."""
        return [state for state in self.states.values() if state.going and state.group]

    def node(self, name: str) -> Object | None:
        """Return a node as the API has it."""
        return self.nodes.get("", name)

    def pods_on(self, node: str) -> list[Object]:
        """Return the pods of a node that have not ended."""
        return [pod for pod in self.pods.by_index(BY_NODE, node) if not is_finished(pod)]

    def info_of(self, pod: Object) -> PodInfo:
        """Read a Pod as the scheduler does."""
        return self.cache.info_of(pod)

    def fresh(self, group: NodeGroup, number: int = 0) -> NodeInfo:
        """Return a new node of a group, with the pods that DaemonSets would put there."""
        daemons = self._daemons.by_index(_ALL, _ALL)
        name = f"template-node-for-{group.name}-{number}"
        return fresh_node(group, name, daemons, self.cache.info_of, self.sizes.sized)

    def budgets(self) -> list[Budget]:
        """Return all disruption budgets."""
        return [Budget.of(each) for each in self._budgets.by_index(_ALL, _ALL)]

    def _group(self, obj: Object) -> NodeGroup | None:
        meta = obj["metadata"]
        key = (meta["uid"], str(meta.get("generation")))
        if key not in self._groups:
            try:
                group: NodeGroup | None = NodeGroup.of(obj, self._catalogue())
            except KubelabError:
                group = None
            self._groups = {each: kept for each, kept in self._groups.items() if each[0] != meta["uid"]}
            self._groups[key] = group
        return self._groups[key]

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        name = (new or old or {})["metadata"]["name"]
        changed = self.cache.set_node(name, new)
        state, before = _state(new), self.states.get(name)
        if changed or state != before:
            self.version += 1
        if before is not None:
            del self.states[name], self._by_group[before.group][name]
        if state is not None:
            self.states[name] = self._by_group.setdefault(state.group, {})[name] = state

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        uid = (new or old or {})["metadata"]["uid"]
        was_waiting = self._waiting.pop(uid, None)
        if new is None or is_finished(new):
            self.version += bool(was_waiting or self.cache.node_of(uid))
            self.cache.remove(uid)
        elif new["spec"].get("nodeName"):
            self._placed(old, new)
        elif _is_unschedulable(new):
            same = was_waiting is not None and was_waiting.object["spec"] == new["spec"]
            self._waiting[uid] = self._read(new)
            self.version += not same

    def _placed(self, old: Object | None, new: Object) -> None:
        uid, node = new["metadata"]["uid"], new["spec"]["nodeName"]
        moved = self.cache.node_of(uid) != node
        if moved or old is None or old["spec"] != new["spec"] or _labels(old) != _labels(new):
            self.cache.place(self.cache.info_of(new), node)
            self.version += 1

    def _read(self, pod: Object) -> Waiting:
        owner = controller_of(pod)
        meta = pod["metadata"]
        info = replace(self.cache.info_of(pod), nominated_node="")
        return Waiting(info, pod, parse_rfc3339(meta["creationTimestamp"]), owner["uid"] if owner else "")

    def _on_recommendation(self, old: Object | None, new: Object | None) -> None:
        if _recommended(old) != _recommended(new):
            self.version += 1

    def _on_other(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or old.get("spec") != new.get("spec") or _status(old) != _status(new):
            self.version += 1


def _state(node: Object | None) -> NodeState | None:
    if node is None:
        return None
    meta = node["metadata"]
    return NodeState(
        meta["name"],
        group_of(node),
        is_true((node.get("status") or {}).get("conditions"), "Ready"),
        any(each["key"] == TO_BE_DELETED for each in node["spec"].get("taints") or ()),
        parse_rfc3339(meta["creationTimestamp"]),
    )


def group_of(node: Object) -> str:
    """Return the name of a node's group; "" if it has none."""
    return str((node["metadata"].get("labels") or {}).get(NODE_GROUP, ""))


def is_daemon(waiting: Waiting) -> bool:
    """Say whether a pod is a DaemonSet's, which no new node would help."""
    owner = controller_of(waiting.object)
    return owner is not None and owner["kind"] == "DaemonSet"


def _is_unschedulable(pod: Object) -> bool:
    meta, spec = pod["metadata"], pod["spec"]
    if "deletionTimestamp" in meta or (spec.get("schedulerName") or _SCHEDULER) != _SCHEDULER:
        return False
    scheduled = find((pod.get("status") or {}).get("conditions"), "PodScheduled")
    return bool(scheduled and scheduled["status"] == "False" and scheduled.get("reason") == "Unschedulable")


def _labels(pod: Object) -> object:
    return pod["metadata"].get("labels")


def _recommended(autoscaler: Object | None) -> tuple[object, ...]:
    """Return the targets: bounds change with every sample."""
    status = (autoscaler or {}).get("status") or {}
    of_all = (status.get("recommendation") or {}).get("containerRecommendations") or ()
    return [each["target"] for each in of_all], status.get("recommendationGroups")


def _status(obj: Object) -> tuple[object, ...]:
    status = obj.get("status") or {}
    return status.get("disruptionsAllowed"), status.get("outOfCapacity")
