"""A measurement of limits that takes a second or two, and what one has left."""

from __future__ import annotations

from kubelab import Cluster, portal
from kubelab.client import NAMESPACES, NODES

SMALL = {"nodes": 2, "pods": 10, "pods_per_s": 50.0, "calls": 5, "watchers": 3, "changes": 4}


def left(cluster: Cluster) -> list[str]:
    """Return the namespaces and nodes that are there because a measurement made them."""
    both = (portal.run(cluster.client.list(resource)).items for resource in (NAMESPACES, NODES))
    names = [each["metadata"]["name"] for items in both for each in items]
    return [name for name in names if name.startswith("kubelab-limits")]
