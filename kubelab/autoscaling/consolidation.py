"""Which nodes a cheaper one could stand in for: consolidation by replacement, which Cluster Autoscaler lacks.

After Karpenter's (``pkg/controllers/disruption``, @2266468104): several nodes by one new node, the more the
better, else one by a cheaper one. Only pods that may be evicted are moved, and only where all of them fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kubelab.autoscaling.drain import drain
from kubelab.autoscaling.scale_down import Candidate, Removals, Verdict, utilization
from kubelab.client import Object
from kubelab.scheduling.snapshot import Budget, NodeInfo, PodInfo, Snapshot

MOST_NODES = 10
"""How many nodes one new node replaces at most."""

LEAST_SAVED = 0.05
"""Of the price of the nodes that go: less is not worth the evictions."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """A new node that could be had.

    Attributes
    ----------
    fresh : NodeInfo
        With the pods of DaemonSets.
    """

    group: str
    fresh: NodeInfo
    usd_per_hour: float


@dataclass(frozen=True, slots=True)
class Replacement:
    """Nodes to go, and the group of the one node that is to come first.

    Attributes
    ----------
    leaving : tuple of Verdict
        Each with the pods that must move.
    saved_usd_per_hour : float
        What goes, less what comes.
    """

    leaving: tuple[Verdict, ...]
    group: str
    saved_usd_per_hour: float
    why: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """What consolidation looks at.

    Attributes
    ----------
    usd_per_hour : mapping of str to float
        By node, of those whose price is known.
    spare : mapping of str to int
        By group: how many nodes it has above its minimum.
    pods_on, info_of : callable
        As in `kubelab.autoscaling.scale_down.find_unneeded`.
    """

    snapshot: Snapshot
    budgets: Sequence[Budget]
    usd_per_hour: Mapping[str, float]
    spare: Mapping[str, int]
    pods_on: Callable[[str], Sequence[Object]]
    info_of: Callable[[Object], PodInfo]


def find_replacement(
    candidates: Sequence[Candidate], stand_ins: Sequence[StandIn], fleet: Fleet, now: datetime
) -> Replacement | None:
    """Return the first replacement that saves enough; None if there is none.

    Parameters
    ----------
    candidates : sequence of Candidate
        Nodes that might go; those that are not ready, kept by their annotation, or hold a pod that may not be
        moved are left out.
    """
    movable = [
        each
        for each in sorted(candidates, key=_order)
        if each.ready
        and not each.disabled
        and each.info.name in fleet.usd_per_hour
        and drain(fleet.pods_on(each.info.name), fleet.budgets, now).blocker is None
    ]
    cheapest = sorted(stand_ins, key=lambda each: (each.usd_per_hour, each.group))
    for count in range(min(MOST_NODES, len(movable)), 1, -1):
        if (found := _replace(movable[:count], cheapest, fleet, now)) is not None:
            return found
    singles = (_replace([each], cheapest, fleet, now) for each in movable)
    return next((found for found in singles if found is not None), None)


def _replace(
    leaving: Sequence[Candidate], stand_ins: Sequence[StandIn], fleet: Fleet, now: datetime
) -> Replacement | None:
    taken = Counter(each.group for each in leaving)
    if any(count > fleet.spare.get(group, 0) for group, count in taken.items()):
        return None
    cost = sum(fleet.usd_per_hour[each.info.name] for each in leaving)
    for each in stand_ins:
        if each.usd_per_hour > cost * (1 - LEAST_SAVED):
            return None
        verdicts = _without(leaving, each, fleet, now)
        if verdicts is not None:
            saved = cost - each.usd_per_hour
            names = ", ".join(verdict.node for verdict in verdicts)
            fit = f"the pods of {names} fit on other nodes and a new one of {each.group}"
            why = f"{fit}, for {saved:.4g} USD/h less"
            return Replacement(verdicts, each.group, saved, why)
    return None


def _without(
    leaving: Sequence[Candidate], stand_in: StandIn, fleet: Fleet, now: datetime
) -> tuple[Verdict, ...] | None:
    removals = Removals(fleet.snapshot, fleet.budgets, now, fleet.info_of)
    for each in leaving:
        removals.nodes.pop(each.info.name, None)
    removals.add(stand_in.fresh)
    verdicts = []
    for each in leaving:
        verdict = removals.remove(each, fleet.pods_on(each.info.name))
        if not verdict.unneeded:
            return None
        verdicts.append(verdict)
    return tuple(verdicts)


def _order(candidate: Candidate) -> tuple[float, str]:
    return utilization(candidate.info)[0], candidate.info.name
