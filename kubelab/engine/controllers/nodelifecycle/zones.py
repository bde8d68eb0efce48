"""How many nodes of each zone are ready, and how fast those that are not may lose their pods. Pure.

Where most of a zone is lost at once the network is more likely at fault than the nodes, so pods are moved
slowly or not at all: upstream's ``ComputeZoneState`` and its rates (v1.37).
"""

from __future__ import annotations

from collections import defaultdict

from kubelab.client import Object

RATE = 0.1
"""``--node-eviction-rate``: nodes a second."""
SECONDARY_RATE = 0.01
LARGE = 50
"""``--large-cluster-size-threshold``."""
_UNHEALTHY = 0.55

Zone = tuple[str, str]
"""(region, zone); both empty where a node names none."""


def zone_of(node: Object) -> Zone:
    """Return the zone that a node is in."""
    labels = node["metadata"].get("labels") or {}
    return labels.get("topology.kubernetes.io/region", ""), labels.get("topology.kubernetes.io/zone", "")


def eviction_rate(count: int, unready: int) -> float:
    """Return how many nodes a second may lose their pods in a zone of so many nodes."""
    partly = unready > 2 and unready < count and unready / count >= _UNHEALTHY
    if not partly:
        return RATE
    return SECONDARY_RATE if count > LARGE else 0.0


class Zones:
    """Which nodes there are, by zone, and which of them are not ready."""

    def __init__(self) -> None:
        self._zones: dict[str, Zone] = {}
        self._nodes: dict[Zone, set[str]] = defaultdict(set)
        self._unready: dict[Zone, dict[str, None]] = defaultdict(dict)
        self._unready_count = 0

    @property
    def all_lost(self) -> bool:
        """Whether not one node is ready."""
        return 0 < self._unready_count == len(self._zones)

    def put(self, name: str, zone: Zone, *, ready: bool) -> None:
        """Note how a node is."""
        if self._zones.get(name) != zone:
            self.drop(name)
            self._zones[name] = zone
            self._nodes[zone].add(name)
        unready = self._unready[zone]
        self._unready_count -= len(unready)
        if ready:
            unready.pop(name, None)
        else:
            unready[name] = None
        self._unready_count += len(unready)

    def drop(self, name: str) -> None:
        """Forget a node that is gone."""
        zone = self._zones.pop(name, None)
        if zone is not None:
            self._nodes[zone].discard(name)
            self._unready_count -= self._unready[zone].pop(name, 0) is None

    def rate(self, zone: Zone) -> float:
        """Return how many nodes a second may lose their pods in a zone."""
        return eviction_rate(len(self._nodes[zone]), len(self._unready[zone]))

    def unready(self, zone: Zone) -> list[str]:
        """Return the nodes of a zone that are not ready."""
        return list(self._unready[zone])
