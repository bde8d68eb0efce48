"""Which nodes could really go now, were all of them looked at: their pods are packed onto the others.

The autoscaler's own simulation (`find_unneeded`), without its threshold of use; what keeps a pod from being
moved keeps its node here too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from kubelab.autoscaling.scale_down import Candidate, Thresholds, Verdict, find_unneeded, utilization
from kubelab.client import Object
from kubelab.costs.intervals import NODE_GROUP
from kubelab.scheduling.cache import Cache, is_finished
from kubelab.scheduling.snapshot import Budget

_ANY_USE = Thresholds(utilization=float("inf"))


def removable(
    nodes: Iterable[Object],
    pods: Iterable[Object],
    *,
    budgets: Iterable[Object] = (),
    least: Mapping[str, int] | None = None,
    now: datetime,
) -> list[Verdict]:
    """Judge every node, the least used first; each that may go is gone for the ones after it.

    Parameters
    ----------
    budgets : iterable of dict
        PodDisruptionBudgets.
    least : mapping of str to int, optional
        By node group: how many nodes it keeps; 0 unless given.
    """
    nodes, cache = list(nodes), Cache(seed=0)
    groups = {_name(each): (each["metadata"].get("labels") or {}).get(NODE_GROUP, "") for each in nodes}
    on: dict[str, list[Object]] = defaultdict(list)
    for node in nodes:
        cache.set_node(_name(node), node)
    for pod in pods:
        where = (pod.get("spec") or {}).get("nodeName")
        if where and not is_finished(pod):
            on[where].append(pod)
            cache.place(cache.info_of(pod), where)
    spare = {group: count - (least or {}).get(group, 0) for group, count in Counter(groups.values()).items()}
    candidates = [Candidate(info, groups[name]) for name, info in cache.nodes.items()]
    candidates.sort(key=lambda each: (utilization(each.info)[0], each.info.name))
    return find_unneeded(
        candidates,
        cache.snapshot(),
        [Budget.of(each) for each in budgets],
        spare=spare,
        thresholds=_ANY_USE,
        now=now,
        pods_on=lambda name: on[name],
        info_of=cache.info_of,
    )


def _name(node: Object) -> str:
    return str(node["metadata"]["name"])
