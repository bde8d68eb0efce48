"""How good a node is for a pod: upstream's default scores, each from 0 to 100, and their weights.

Source: ``pkg/scheduler/framework/plugins`` and ``apis/config/v1/default_plugins.go`` (v1.37).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kubelab.scheduling.selectors import untolerated
from kubelab.scheduling.shapes import Shape
from kubelab.scheduling.snapshot import Node, NodeInfo

MAX_SCORE = 100

WEIGHTS = {
    "TaintToleration": 3,
    "NodeAffinity": 2,
    "NodeResourcesFit": 1,
    "PodTopologySpread": 2,
    "InterPodAffinity": 2,
    "NodeResourcesBalancedAllocation": 1,
    "ImageLocality": 1,
}

MIB = 1024 * 1024
IMAGE_MIN_BYTES = 23 * MIB
"""``imagelocality.minThreshold``."""
IMAGE_MAX_BYTES = 1000 * MIB
"""``imagelocality.maxContainerThreshold``, for each container."""

PREFER_NO_SCHEDULE = frozenset({"PreferNoSchedule"})


@dataclass(frozen=True, slots=True)
class Score:
    """One term of a node's total: ``value`` from 0 to 100, times ``weight``."""

    plugin: str
    value: int
    weight: int


def least_allocated(shape: Shape, info: NodeInfo) -> int:
    """Return the mean share of CPU and memory that stays free with the pod, in percent."""
    capacity = info.node.allocatable
    shares = [
        (total - used) * MAX_SCORE // total if used <= total else 0
        for total, used in (
            (capacity.get("cpu", 0), info.nonzero_cpu_millicores + shape.nonzero_cpu_millicores),
            (capacity.get("memory", 0), info.nonzero_memory_bytes + shape.nonzero_memory_bytes),
        )
        if total
    ]
    return sum(shares) // len(shares) if shares else 0


def most_allocated(shape: Shape, info: NodeInfo) -> int:
    """Return the mean share of CPU and memory in use with the pod, in percent (``most_allocated.go``)."""
    return MAX_SCORE - least_allocated(shape, info)


def balanced_allocation(shape: Shape, info: NodeInfo) -> int:
    """Return 100 less half the distance between the used shares of CPU and memory, in percent.

    A pod that requests neither does not count: it would pull all such pods onto one node.
    """
    wanted = shape.requests
    if not wanted.get("cpu") and not wanted.get("memory"):
        return 0
    capacity, requested = info.node.allocatable, info.requested
    used = [
        min(1.0, (requested.get(resource, 0) + wanted.get(resource, 0)) / capacity[resource])
        for resource in ("cpu", "memory")
        if capacity.get(resource)
    ]
    deviation = abs(used[0] - used[1]) / 2 if len(used) == 2 else 0.0
    return int((1 - deviation) * MAX_SCORE)


def image_locality(shape: Shape, node: Node, image_nodes: Mapping[str, int], nodes: int) -> int:
    """Return how much of the pod's images the node has, less for images that few nodes have."""
    if not node.images or not shape.images:
        return 0
    present = sum(
        int(node.images[name] * (image_nodes.get(name, 0) / nodes))
        for name in map(_with_tag, shape.images)
        if name in node.images
    )
    most = IMAGE_MAX_BYTES * len(shape.images)
    clamped = min(max(present, IMAGE_MIN_BYTES), most)
    return MAX_SCORE * (clamped - IMAGE_MIN_BYTES) // (most - IMAGE_MIN_BYTES)


def _with_tag(image: str) -> str:
    return image if ":" in image.rpartition("/")[2] else f"{image}:latest"


def node_preference(shape: Shape, node: Node) -> int:
    """Return the sum of the weights of preferred node affinity that the node matches."""
    return sum(each.weight for each in shape.preferred_nodes if each.term.matches(node.name, node.labels))


def intolerable(shape: Shape, node: Node) -> int:
    """Return how many PreferNoSchedule taints of the node the pod does not tolerate."""
    return sum(
        untolerated((taint,), shape.tolerations, PREFER_NO_SCHEDULE) is not None for taint in node.taints
    )


def normalize(raw: Sequence[int], *, reverse: bool = False) -> list[int]:
    """Scale so that the highest is 100; reversed, so that it is 0 (``DefaultNormalizeScore``)."""
    highest = max(raw, default=0)
    if highest == 0:
        return [MAX_SCORE if reverse else 0] * len(raw)
    scaled = [value * MAX_SCORE // highest for value in raw]
    return [MAX_SCORE - value for value in scaled] if reverse else scaled
