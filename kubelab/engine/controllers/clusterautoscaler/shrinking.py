"""The half of the loop that takes nodes away: which are unneeded and for how long, and how one is emptied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from kubelab.autoscaling.node_group import NodeGroup
from kubelab.autoscaling.scale_down import (
    DISABLED,
    Candidate,
    Verdict,
    find_unneeded,
    is_due,
    utilization,
)
from kubelab.engine.controllers.clusterautoscaler.ledger import Ledger
from kubelab.engine.controllers.clusterautoscaler.settings import Settings
from kubelab.engine.controllers.clusterautoscaler.world import World

MOST_EMPTY = 10
"""``--max-scale-down-parallelism``; one node with pods at a time: ``--max-drain-parallelism``."""

RECHECK = timedelta(minutes=5)
"""``--unremovable-node-recheck-timeout``."""

_SIMULATED = frozenset({"NoPlaceToMovePods"})
"""Verdicts that are dear to find out."""


class Shrinking:
    """Keeps which nodes are unneeded, and says which are due."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world = world
        self.ledger = ledger
        self.verdicts: dict[str, Verdict] = {}

    def look(self, groups: Sequence[NodeGroup], settings: Settings, now: datetime) -> None:
        """Judge all nodes as the cluster is now."""
        ledger, world = self.ledger, self.world
        candidates: list[Candidate] = []
        verdicts: dict[str, Verdict] = {}
        spare: dict[str, int] = {}
        for group in groups:
            spare[group.name] = group.replicas - group.min_size
            for node in world.members(group.name):
                if node.going:
                    spare[group.name] -= 1
                    continue
                until, kept = ledger.unremovable.get(node.name, (now, None))
                if kept is not None and now < until:
                    verdicts[node.name] = kept
                    continue
                info = world.cache.nodes[node.name]
                candidates.append(Candidate(info, group.name, node.ready, self.is_kept(node.name)))
        candidates.sort(key=self._order)
        found = find_unneeded(
            candidates,
            world.cache.snapshot(),
            world.budgets(),
            spare=spare,
            thresholds=settings.thresholds,
            now=now,
            pods_on=world.pods_on,
            info_of=world.info_of,
        )
        verdicts.update((each.node, each) for each in found)
        self._remember(verdicts, now)

    def due(self, settings: Settings, now: datetime) -> list[tuple[Verdict, float]]:
        """Return the nodes to remove now, each with for how many seconds it was not needed."""
        ledger = self.ledger
        if not settings.scale_down or self.is_cooling(settings, now):
            return []
        ready = [
            (self.verdicts[name], (now - since).total_seconds())
            for name, since in ledger.unneeded_since.items()
            if is_due(
                since,
                now,
                settings.thresholds,
                ready=name in self.world.states and self.world.states[name].ready,
            )
        ]
        empty = [each for each in ready if not each[0].evict]
        if empty:
            return empty[:MOST_EMPTY]
        return [] if self.world.going() else ready[:1]

    def is_cooling(self, settings: Settings, now: datetime) -> bool:
        """Say whether nothing may go yet, because of what was added, removed or went wrong."""
        ledger = self.ledger
        return any(
            last is not None and now - last < delay
            for last, delay in (
                (ledger.last_added, settings.delay_after_add),
                (ledger.last_deleted, settings.delay_after_delete),
                (ledger.last_failed, settings.delay_after_failure),
            )
        )

    def candidates(self) -> Counter[str]:
        """Return how many nodes of each group are not needed."""
        return Counter(verdict.group for verdict in self.verdicts.values() if verdict.unneeded)

    def reasons(self) -> Counter[str]:
        """Return how many nodes have to stay for which reason."""
        return Counter(verdict.reason for verdict in self.verdicts.values() if verdict.reason)

    def is_kept(self, name: str) -> bool:
        """Say whether a node's annotation keeps it."""
        node = self.world.node(name) or {"metadata": {}}
        return (node["metadata"].get("annotations") or {}).get(DISABLED) == "true"

    def _order(self, candidate: Candidate) -> tuple[bool, float, str]:
        """Put first what was unneeded before, then what is used least."""
        name = candidate.info.name
        return name not in self.ledger.unneeded_since, utilization(candidate.info)[0], name

    def _remember(self, verdicts: dict[str, Verdict], now: datetime) -> None:
        ledger = self.ledger
        self.verdicts = verdicts
        earlier = ledger.unneeded_since
        ledger.unneeded_since = {
            name: earlier.get(name, now) for name, verdict in verdicts.items() if verdict.unneeded
        }
        ledger.unremovable = {
            name: ledger.unremovable[name]
            if name in ledger.unremovable and now < ledger.unremovable[name][0]
            else (now + RECHECK, verdict)
            for name, verdict in verdicts.items()
            if verdict.reason in _SIMULATED
        }
