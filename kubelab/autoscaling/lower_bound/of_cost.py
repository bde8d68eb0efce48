"""The least that a cluster had to cost for the pods that it ran, from what its meter noted.

The nodes that were there held the pods that ran, so this is never above what they cost. What DaemonSets' pods
need is left out, and so are pods that used more than any node has: both only lower the line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kubelab.autoscaling.lower_bound.offers import Offer
from kubelab.autoscaling.lower_bound.over_time import BoundOverTime, Presence, lower_bound_over_time
from kubelab.autoscaling.node_group import NodeGroup
from kubelab.costs.allocation import Window
from kubelab.costs.cost import Cost
from kubelab.costs.intervals import NodeInterval, PodInterval
from kubelab.costs.rates import Resources
from kubelab.scheduling.requests import Amounts

STRETCHES = 150
"""Into how many stretches a window is cut at most: each is a program to solve."""

_DEVICES = ("gpu", "tpu", "neuron")
_MANY_PODS = 10_000


def bounded(cost: Cost, groups: Iterable[NodeGroup] = ()) -> Cost:
    """Return a cost with its lower bound."""
    return replace(cost, lower_bound_usd=bound_of(cost, groups).usd)


def bound_of(cost: Cost, groups: Iterable[NodeGroup] = ()) -> BoundOverTime:
    """Bound what the nodes had to cost in the window of a cost.

    Parameters
    ----------
    groups : iterable of NodeGroup
        Nodes that could have been had, beside those that were; groups without a price do not count.
    """
    window = cost.allocation.window
    offers = [*_offers_of(each.node for each in cost.allocation.nodes), *_offers(groups)]
    pods = _presences((each.pod for each in cost.allocation.pods), window)
    fitting = [each for each in pods if any(offer.room(each.requests) for offer in offers)]
    end_s = window.hours * 3600
    return lower_bound_over_time(fitting, offers, end_s=end_s, resolution_s=end_s / STRETCHES)


def _offers_of(nodes: Iterable[NodeInterval]) -> Iterator[Offer]:
    """Yield each kind of node that was there once."""
    kinds = {(each.instance_type, each.capacity, each.price.usd_per_hour) for each in nodes if each.price}
    for name, capacity, usd in sorted(kinds, key=repr):
        yield Offer(name or "node", {**_amounts(capacity), "pods": _MANY_PODS}, usd)


def _offers(groups: Iterable[NodeGroup]) -> Iterator[Offer]:
    for group in groups:
        if group.price is None:
            continue
        found = group.template.allocatable
        devices = sum(count for name, count in found.items() if name.rpartition("/")[2] in _DEVICES)
        free = {name: found[name] for name in ("cpu", "memory", "pods") if name in found}
        yield Offer(group.name, {**free, "devices": devices}, group.price.usd_per_hour)


def _presences(pods: Iterable[PodInterval], window: Window) -> Iterator[Presence]:
    for pod in pods:
        if pod.owner.kind != "DaemonSet":
            start, end = ((at - window.start).total_seconds() for at in (pod.start, pod.end))
            yield Presence(f"{pod.namespace}/{pod.name}", _amounts(pod.held), start, end)


def _amounts(found: Resources) -> Amounts:
    """Return resources in the units of requests, rounded down."""
    return {
        "cpu": int(found.cpu_cores * 1000),
        "memory": int(found.ram_gib * 2**30),
        "devices": int(found.gpus),
    }
