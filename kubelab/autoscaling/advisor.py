"""Which instance type a set of pods should run on: it is repacked onto each type, and the bills are compared.

A single scale-up sees only the pods that wait now; the advisor sees the whole set. The idea is Datadog's
Instance Type Advisor (KubeCon Europe 2025), the rules are our own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kubelab.autoscaling.catalogue import InstanceType
from kubelab.autoscaling.estimator import Pods, estimate
from kubelab.autoscaling.lower_bound.offers import Offer, amount
from kubelab.costs.prices import Price
from kubelab.scheduling.requests import Amounts
from kubelab.scheduling.snapshot import NodeInfo, Snapshot

_NOTHING = Snapshot({})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A type that the pods could run on.

    Attributes
    ----------
    price : Price
        Of one, bought as ``capacity_type`` says.
    fresh : NodeInfo
        A new node of it, with its labels, its taints and its DaemonSets' pods.
    """

    type: InstanceType
    capacity_type: str
    price: Price
    fresh: NodeInfo


@dataclass(frozen=True, slots=True)
class Advice:
    """What the set would need of one type.

    Attributes
    ----------
    nodes : int
        How many hold the pods that fit.
    usd_per_hour : float
        What these cost.
    utilisation : mapping of str to float
        Requests, DaemonSets' too, by what is allocatable, from 0 to 1.
    left_out : int
        How many pods fit on no node of this type.
    why : str
        One sentence.
    """

    candidate: Candidate
    nodes: int
    usd_per_hour: float
    utilisation: Mapping[str, float]
    left_out: int
    why: str

    @property
    def name(self) -> str:
        """The type's name."""
        return self.candidate.type.name

    @property
    def fits(self) -> bool:
        """Whether all pods have room."""
        return not self.left_out


def advise(groups: Sequence[Pods], candidates: Iterable[Candidate], *, best: int = 0) -> list[Advice]:
    """Repack pods onto each type; the cheapest that holds all comes first, those that cannot last.

    Parameters
    ----------
    groups : sequence of sequence of PodInfo
        The set's pods; those of one group are alike (`kubelab.autoscaling.scale_up.alike`).
    candidates : iterable of Candidate
    best : int
        How many types to return; types that cannot be among them are not repacked. 0 for all.
    """
    bounded = sorted(((_at_least(groups, each), each) for each in candidates), key=lambda pair: pair[0])
    advice: list[Advice] = []
    for least_usd, candidate in bounded:
        if best and len(advice) >= best and _order(advice[best - 1]) < (0, least_usd):
            break
        advice.append(_repacked(groups, candidate))
        advice.sort(key=_order)
    return advice[:best] if best else advice


def _order(advice: Advice) -> tuple[int, float, int, str]:
    return advice.left_out, advice.usd_per_hour, advice.nodes, advice.name


def _at_least(groups: Sequence[Pods], candidate: Candidate) -> float:
    """Return a bound in USD/h: the resource that needs most nodes, if nothing were lost in packing."""
    offer = Offer.on(candidate.fresh, candidate.price.usd_per_hour)
    total: Counter[str] = Counter()
    for group in groups:
        for name, value in group[0].shape.requests.items() if group else ():
            total[name] += value * len(group)
    free = {name: max(offer.free.get(name, 0), 0) for name in total}
    if any(value and not free[name] for name, value in total.items()):
        return math.inf
    nodes = max((math.ceil(value / free[name]) for name, value in total.items() if value), default=0)
    return nodes * offer.usd_per_hour


def _repacked(groups: Sequence[Pods], candidate: Candidate) -> Advice:
    found = estimate(groups, candidate.fresh, _NOTHING, max_nodes=0)
    total = sum(map(len, groups))
    left_out = total - len(found.pods)
    usd_per_hour = found.node_count * candidate.price.usd_per_hour
    used = _utilisation(candidate.fresh, found.node_count, [pod.shape.requests for pod in found.pods])
    shares = ", ".join(f"{name} {share:.0%}" for name, share in used.items())
    why = (
        f"{found.node_count} x {candidate.type.name} at {candidate.price} hold {len(found.pods)} of {total} "
        f"pods for {usd_per_hour:.4g} USD/h: {shares or 'nothing is asked'}"
    )
    if left_out:
        why += f"; {_left_out(groups, candidate)}"
    return Advice(candidate, found.node_count, usd_per_hour, used, left_out, why)


def _utilisation(fresh: NodeInfo, nodes: int, requests: Sequence[Amounts]) -> dict[str, float]:
    shares: dict[str, float] = {}
    for name, allocatable in fresh.node.allocatable.items():
        used = sum(each.get(name, 0) for each in requests) + nodes * fresh.requested.get(name, 0)
        if name == "pods":
            used = len(requests) + nodes * len(fresh.pods)
        if used and nodes and allocatable:
            shares[name] = used / (nodes * allocatable)
    return shares


def _left_out(groups: Sequence[Pods], candidate: Candidate) -> str:
    """Say what the first pod lacks that fits on no node of a type."""
    offer = Offer.on(candidate.fresh, candidate.price.usd_per_hour)
    for group in groups:
        pod = group[0]
        if lacking := offer.shortage(pod.shape.requests):
            lacks = ", ".join(f"{amount(name, lack)} {name}" for name, lack in lacking.items())
            return f"pod {pod.namespace}/{pod.name} does not fit, it lacks {lacks}"
    return "some pods do not fit for their rules"
