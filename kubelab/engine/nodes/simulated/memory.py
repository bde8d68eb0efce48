"""Memory of containers on simulated nodes: how much they use, and when that is more than they may. Pure."""

from __future__ import annotations

import math
from datetime import datetime

from kubelab.client import Object
from kubelab.engine.nodes.simulated.resizing import had, memory_limit
from kubelab.engine.nodes.simulated.usage import shared
from kubelab.engine.usage import Usage
from kubelab.simulated_usage import DeclaredUse, Point


def memory_of(pod: Object, point: Point) -> dict[str, int]:
    """Return how many bytes each container uses of what the pod uses."""
    names = [each["name"] for each in pod["spec"]["containers"]]
    return {name: each.memory_bytes for name, each in shared(Usage(0, point[2]), names).items()}


def seconds_to_kill(pod: Object, use: DeclaredUse | None, started: datetime, now: datetime) -> float:
    """Return in how many seconds a container will use more memory than its limit; infinity for never."""
    limits = {name: limit for name, each in had(pod).items() if (limit := memory_limit(each))}
    if use is None or not limits:
        return math.inf
    for in_s, point in use.ahead(now, started):
        used = memory_of(pod, point)
        if any(used.get(name, 0) > limit for name, limit in limits.items()):
            return in_s
    return math.inf
