"""Which pods there are that need a node, by likeness: counted as they come and go, read when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from kubelab.autoscaling.estimator import Pods
from kubelab.autoscaling.expanders.score import size
from kubelab.autoscaling.node_group import NodeGroup
from kubelab.autoscaling.node_group_set import set_of
from kubelab.client import DAEMON_SETS, PODS, Object
from kubelab.engine.controllers.clusterautoscaler.daemons import DaemonSizes
from kubelab.engine.controllers.clusterautoscaler.fresh import fresh_node
from kubelab.engine.controllers.controller import Surroundings
from kubelab.engine.controllers.owners import controller_of
from kubelab.scheduling.cache import Cache, is_finished
from kubelab.scheduling.snapshot import NodeInfo

_ALL = "all"


@dataclass(frozen=True, slots=True)
class Peak:
    """The most pods that a set had at a time.

    Attributes
    ----------
    size : float
        As `size_of` reckons it.
    """

    at: datetime
    size: float
    pods: tuple[Pods, ...]


def size_of(groups: Iterable[Pods]) -> float:
    """Return what pods ask for together, in cores; memory and GPUs at OpenCost's default rates."""
    return sum(size(group[0].shape.requests) * len(group) for group in groups)


class Workload:
    """Pods that need a node and are no DaemonSet's.

    Parameters
    ----------
    around : Surroundings
    changed : callable
        Called when there is a pod more or less.
    """

    def __init__(self, around: Surroundings, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._sizes = DaemonSizes(around)
        views = around.views
        self._cache = Cache(seed=0)
        self._exemplars: dict[str, Object] = {}
        self._counts: dict[str, int] = {}
        self._daemons = views.of(DAEMON_SETS)
        self._daemons.index(_ALL, lambda _obj: (_ALL,))
        views.of(PODS).subscribe(self._on_pod)

    def by_set(self, selectors: Mapping[str, Mapping[str, str]]) -> dict[str, list[Pods]]:
        """Return the pods of each set by likeness; those that no set claims under ""."""
        found: dict[str, list[Pods]] = {name: [] for name in ("", *selectors)}
        for key, count in sorted(self._counts.items()):
            pod = self._exemplars[key]
            owner = set_of(pod["spec"].get("nodeSelector") or {}, selectors)
            found[owner].append([self._cache.info_of(pod)] * count)
        return found

    def fresh(self, group: NodeGroup) -> NodeInfo:
        """Return a new node of a group, with the pods that DaemonSets would put there."""
        daemons = self._daemons.by_index(_ALL, _ALL)
        return fresh_node(group, f"new-{group.name}", daemons, self._cache.info_of, self._sizes.sized)

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        before, after = _likeness(old), _likeness(new)
        if before == after:
            return
        if before and before in self._counts:
            self._counts[before] -= 1
            if not self._counts[before]:
                del self._counts[before], self._exemplars[before]
        if after and new is not None:
            self._counts[after] = self._counts.get(after, 0) + 1
            self._exemplars.setdefault(after, new)
        self._changed()


def _likeness(pod: Object | None) -> str:
    """Return what a pod has in common with the others of its controller; "" if it needs no node any more."""
    if pod is None or is_finished(pod) or "deletionTimestamp" in pod["metadata"]:
        return ""
    owner = controller_of(pod)
    if owner is None:
        return str(pod["metadata"]["uid"])
    return "" if owner["kind"] == "DaemonSet" else str(owner["uid"])


def selectors_of(sets: Iterable[Object]) -> dict[str, Mapping[str, str]]:
    """Return the selectors of NodeGroupSets by name."""
    return {each["metadata"]["name"]: (each.get("spec") or {}).get("selector") or {} for each in sets}
