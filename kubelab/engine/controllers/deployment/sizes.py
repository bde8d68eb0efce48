"""How large each ReplicaSet should be: during a rollout, and when a Deployment is scaled amid one.

Each function returns the sizes that change, by the ReplicaSet's name. Upstream: ``rolling.go`` and
``sync.go`` of ``pkg/controller/deployment``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kubelab.client import Object
from kubelab.engine.controllers.counts import scaled
from kubelab.engine.controllers.deployment.replica_sets import (
    by_age,
    counted,
    desired_before,
    fence_posts,
    max_before,
    replicas_of,
    wanted,
)

Sizes = dict[str, int]


def name_of(obj: Object) -> str:
    """Return an object's name."""
    return str(obj["metadata"]["name"])


def new_size(deployment: Object, others: Sequence[Object], current: int) -> int:
    """Return the size of the new ReplicaSet in a rolling update, as far as the surge allows."""
    spec, total = deployment["spec"], replicas_of(deployment)
    if spec["strategy"]["type"] == "Recreate" or current > total:
        return total
    rolling = spec["strategy"].get("rollingUpdate") or {}
    most = total + scaled(rolling.get("maxSurge"), total, round_up=True)
    free = most - wanted(others) - current
    return current if free <= 0 else current + min(free, total - current)


def rolling_old(deployment: Object, new: Object, old: Sequence[Object]) -> Sizes:
    """Return the sizes of old ReplicaSets that may shrink: first by what is not available anyway."""
    active = sorted((each for each in old if replicas_of(each)), key=by_age)
    least = replicas_of(deployment) - fence_posts(deployment)[1]
    starting = replicas_of(new) - counted([new], "availableReplicas")
    spare = wanted([*active, new]) - least - starting
    if not active or spare <= 0:
        return {}
    sizes = {name_of(each): replicas_of(each) for each in active}
    for each in active:
        unavailable = sizes[name_of(each)] - counted([each], "availableReplicas")
        gone = min(spare, unavailable) if unavailable > 0 else 0
        sizes[name_of(each)] -= gone
        spare -= gone
    above = sum(map(_staying, [*active, new])) - least
    for each in active:
        gone = max(0, min(sizes[name_of(each)], above))
        sizes[name_of(each)] -= gone
        above -= gone
    return {
        name_of(each): sizes[name_of(each)] for each in active if sizes[name_of(each)] != replicas_of(each)
    }


def _staying(replica_set: Object) -> int:
    """Return how many pods are available and stay: its status may be from before it was last resized.

    Upstream counts the status alone, and can go below the least while a ReplicaSet lags behind.
    """
    return min(replicas_of(replica_set), counted([replica_set], "availableReplicas"))


def is_resized(deployment: Object, replica_sets: Sequence[Object]) -> bool:
    """Say whether the Deployment was scaled since its ReplicaSets were."""
    recorded = [desired_before(each) for each in replica_sets if replicas_of(each)]
    return any(each is not None and each != replicas_of(deployment) for each in recorded)


def resized(deployment: Object, new: Object | None, old: Sequence[Object]) -> Sizes:
    """Return the sizes after scaling; ReplicaSets amid a rollout share the change by their size.

    A ReplicaSet that is named with the size it has is only to record the Deployment's new size.
    """
    total, everyone = replicas_of(deployment), [*old, *([new] if new else [])]
    active = [each for each in everyone if replicas_of(each)]
    if len(active) <= 1:
        latest = active[0] if active else new or max(old, key=by_age, default=None)
        return {} if latest is None or replicas_of(latest) == total else {name_of(latest): total}
    if new is not None and _is_saturated(deployment, new):
        return {name_of(each): 0 for each in old if replicas_of(each)}
    if deployment["spec"]["strategy"]["type"] != "RollingUpdate":
        return {}
    return _proportional(deployment, active)


def _proportional(deployment: Object, active: list[Object]) -> Sizes:
    total = replicas_of(deployment)
    allowed = total + fence_posts(deployment)[0] if total else 0
    change = allowed - wanted(active)
    if change > 0:
        ordered = sorted(sorted(active, key=by_age, reverse=True), key=replicas_of, reverse=True)
    else:
        ordered = sorted(sorted(active, key=by_age), key=replicas_of, reverse=True)
    sizes, left = {name_of(each): replicas_of(each) for each in ordered}, change
    for each in ordered:
        if left:
            share = _share(deployment, each)
            share = min(share, left) if change > 0 else max(share, left)
            sizes[name_of(each)] += share
            left -= share
    first = name_of(ordered[0])
    sizes[first] = max(0, sizes[first] + left)
    return sizes


def _share(deployment: Object, replica_set: Object) -> int:
    """Return by how much a ReplicaSet grows if it keeps its part of the whole."""
    total, size = replicas_of(deployment), replicas_of(replica_set)
    if total == 0:
        return -size
    before = max_before(replica_set) or int((deployment.get("status") or {}).get("replicas") or 0)
    if before == 0:
        return 0
    exact = size * (total + fence_posts(deployment)[0]) / before
    return math.floor(exact + 0.5) - size


def _is_saturated(deployment: Object, new: Object) -> bool:
    total = replicas_of(deployment)
    return (
        replicas_of(new) == total
        and desired_before(new) == total
        and counted([new], "availableReplicas") == total
    )
