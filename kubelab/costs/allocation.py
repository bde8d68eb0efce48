"""Whose money it is: what nodes cost in a window, shared out to the pods on them, and what is left idle.

OpenCost specification v0.1: a pod's cost is the larger of what it asked for and what it used, times hours,
times its node's rates; what of a node's cost no pod has is idle, by resource, and never below zero.
Where pods had more of a node than there is of it, theirs is cut to what the node cost, so that pods and idle
together are always what the nodes cost; OpenCost would say more than the bill (its issues 3359 and 3387).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from kubelab.costs.intervals import NodeInterval, PodInterval
from kubelab.costs.rates import Rates, Resources, split

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when costs count; the end does not belong to it."""

    start: datetime
    end: datetime

    @property
    def hours(self) -> float:
        """How long it is."""
        return (self.end - self.start).total_seconds() / HOUR_S

    def overlap_hours(self, *spans: NodeInterval | PodInterval) -> float:
        """Return how long all of them were at once, within the window."""
        start = max(self.start, *(each.start for each in spans))
        end = min(self.end, *(each.end for each in spans))
        return max(0.0, (end - start).total_seconds()) / HOUR_S


@dataclass(frozen=True, slots=True)
class Money:
    """USD by what they buy."""

    cpu: float = 0.0
    ram: float = 0.0
    gpu: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.cpu + self.ram + self.gpu

    @staticmethod
    def of(hours: Resources, rates: Rates) -> Money:
        """Return what core hours, GiB hours and device hours cost."""
        return Money(hours.cpu_cores * rates.cpu_core, hours.ram_gib * rates.ram_gib, hours.gpus * rates.gpu)

    def __add__(self, other: Money) -> Money:
        return Money(self.cpu + other.cpu, self.ram + other.ram, self.gpu + other.gpu)

    def times(self, each: Money) -> Money:
        """Return each part times that of another."""
        return Money(self.cpu * each.cpu, self.ram * each.ram, self.gpu * each.gpu)

    def less(self, other: Money) -> Money:
        """Return what is left of each part, nothing where that is below zero."""
        parts = ((self.cpu, other.cpu), (self.ram, other.ram), (self.gpu, other.gpu))
        return Money(*(max(0.0, one - taken) for one, taken in parts))


NO_MONEY = Money()


@dataclass(frozen=True, slots=True)
class PodCost:
    """What a pod cost on one node in the window.

    Attributes
    ----------
    hours : float
        How long it held it.
    resource_hours : Resources
        Core hours, GiB hours, device hours.
    money : Money
        Nothing where the node's price is not known.
    adjustment : Money
        What it is below hours times rates, as the node does not have all that its pods had; never above zero.
    """

    pod: PodInterval
    node: NodeInterval
    hours: float
    resource_hours: Resources
    money: Money
    adjustment: Money = NO_MONEY


@dataclass(frozen=True, slots=True)
class NodeCost:
    """What a node cost in the window, and how much of it nobody had.

    Attributes
    ----------
    hours : float
        How long it was there.
    money, idle : Money
        Nothing where its price is not known.
    """

    node: NodeInterval
    hours: float
    money: Money
    idle: Money


@dataclass(frozen=True, slots=True)
class Allocation:
    """All costs of a window, in order of time and name."""

    window: Window
    nodes: tuple[NodeCost, ...]
    pods: tuple[PodCost, ...]

    def only(self, namespace: str) -> Allocation:
        """Return the pods of one namespace, without nodes: what is idle is nobody's in particular."""
        return replace(
            self, nodes=(), pods=tuple(each for each in self.pods if each.pod.namespace == namespace)
        )


def allocate(nodes: Iterable[NodeInterval], pods: Iterable[PodInterval], window: Window) -> Allocation:
    """Share out what nodes cost in a window."""
    ordered = sorted(nodes, key=lambda node: (node.start, node.name))
    by_name: dict[str, list[int]] = defaultdict(list)
    for index, node in enumerate(ordered):
        by_name[node.name].append(index)
    rates = [_rates(node) for node in ordered]
    taken = [Money()] * len(ordered)
    costs: list[tuple[int, PodCost]] = []
    for pod in sorted(pods, key=lambda pod: (pod.start, pod.namespace, pod.name, pod.uid)):
        for index in by_name.get(pod.node, ()):
            cost = _pod_cost(pod, ordered[index], rates[index], window)
            if cost.hours:
                taken[index] += cost.money
                costs.append((index, cost))
    found = [_node_cost(*each, window) for each in zip(ordered, rates, taken, strict=True)]
    cuts = [_cut(node.money, all_of) for node, all_of in zip(found, taken, strict=True)]
    pods_costs = tuple(_reconciled(cost, cuts[index]) for index, cost in costs)
    return Allocation(window, tuple(each for each in found if each.hours), pods_costs)


def _rates(node: NodeInterval) -> Rates:
    if node.price is not None and node.price.rates is not None:
        return node.price.rates
    return split(node.price.usd_per_hour if node.price else 0.0, node.capacity)


def _pod_cost(pod: PodInterval, node: NodeInterval, rates: Rates, window: Window) -> PodCost:
    hours = window.overlap_hours(pod, node)
    resource_hours = pod.held.times(hours)
    return PodCost(pod, node, hours, resource_hours, Money.of(resource_hours, rates))


def _cut(cost: Money, taken: Money) -> Money | None:
    """Return by which factors pods' parts are cut to come to what a node cost; None if they need not be."""
    parts = ((cost.cpu, taken.cpu), (cost.ram, taken.ram), (cost.gpu, taken.gpu))
    factors = [has / had if had > has else 1.0 for has, had in parts]
    return Money(*factors) if min(factors) < 1 else None


def _reconciled(cost: PodCost, cut: Money | None) -> PodCost:
    if cut is None:
        return cost
    money = cost.money.times(cut)
    adjustment = Money(money.cpu - cost.money.cpu, money.ram - cost.money.ram, money.gpu - cost.money.gpu)
    return replace(cost, money=money, adjustment=adjustment)


def _node_cost(node: NodeInterval, rates: Rates, taken: Money, window: Window) -> NodeCost:
    hours = window.overlap_hours(node)
    money = Money.of(node.capacity.times(hours), rates)
    return NodeCost(node, hours, money, money.less(taken))
