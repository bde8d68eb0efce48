"""Topology spread: how many matching pods each domain has, and what that allows and prefers.

Source: ``plugins/podtopologyspread`` (v1.37), with its system defaults for the pods of Services.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from kubelab.scheduling.filters import Rejection, Rejections, matches_node
from kubelab.scheduling.scores import MAX_SCORE
from kubelab.scheduling.selectors import Requirement, Selector, untolerated
from kubelab.scheduling.shapes import SpreadConstraint
from kubelab.scheduling.snapshot import Node, NodeInfo, PodInfo, Snapshot

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
SYSTEM_DEFAULTS = ((HOSTNAME, 3), (ZONE, 5))
"""``systemDefaultConstraints``: topology key and maxSkew, always ScheduleAnyway."""

UNEVEN = (
    Rejection("PodTopologySpread", "node(s) didn't match pod topology spread constraints", resolvable=True),
)
NO_LABEL = (
    Rejection(
        "PodTopologySpread",
        "node(s) didn't match pod topology spread constraints (missing required label)",
    ),
)


def soft_constraints(pod: PodInfo, snapshot: Snapshot) -> tuple[SpreadConstraint, ...]:
    """Return the constraints that only score: the pod's own, or upstream's defaults for Services."""
    if pod.shape.spread:
        return tuple(each for each in pod.shape.spread if not each.hard)
    requirements: dict[Requirement, None] = {}
    for selector in snapshot.services.get(pod.namespace, ()):
        if selector.requirements and selector.matches(pod.labels):
            requirements.update(dict.fromkeys(selector.requirements))
    if not requirements:
        return ()
    merged = Selector(tuple(requirements))
    return tuple(SpreadConstraint(key, skew, False, merged, 1, True, False) for key, skew in SYSTEM_DEFAULTS)


def matching(info: NodeInfo, selector: Selector | None, namespace: str) -> int:
    """Count a namespace's pods on a node that match, without those on their way out."""
    if selector is None:
        return 0
    return sum(
        not pod.terminating and pod.namespace == namespace and selector.matches(pod.labels)
        for pod in info.pods.values()
    )


def _counts(pod: PodInfo, node: Node, constraint: SpreadConstraint) -> bool:
    if constraint.honor_affinity and not matches_node(pod.shape, node):
        return False
    return not constraint.honor_taints or untolerated(node.taints, pod.shape.tolerations) is None


def _labelled(node: Node, constraints: Sequence[SpreadConstraint]) -> bool:
    return all(each.topology_key in node.labels for each in constraints)


@dataclass(frozen=True, slots=True)
class HardSpread:
    """The pods of each domain for a pod's DoNotSchedule constraints."""

    pod: PodInfo
    constraints: tuple[SpreadConstraint, ...]
    domains: tuple[Mapping[str, int], ...]
    fewest: tuple[int, ...]

    @staticmethod
    def of(pod: PodInfo, nodes: Collection[NodeInfo]) -> HardSpread | None:
        """Count the domains; None if the pod has no such constraint."""
        constraints = tuple(each for each in pod.shape.spread if each.hard)
        if not constraints:
            return None
        domains: tuple[dict[str, int], ...] = tuple({} for _ in constraints)
        for info in nodes:
            if not _labelled(info.node, constraints):
                continue
            for constraint, domain in zip(constraints, domains, strict=True):
                if _counts(pod, info.node, constraint):
                    value = info.node.labels[constraint.topology_key]
                    count = matching(info, constraint.selector, pod.namespace)
                    domain[value] = domain.get(value, 0) + count
        return _counted(pod, constraints, domains)

    def placed(self, node: Node) -> HardSpread:
        """Return the domains with one more pod like this on a node, which may be new."""
        return self._with(node, 1)

    def beside(self, node: Node) -> HardSpread:
        """Return the domains with one more node, without pods that match."""
        return self._with(node, 0)

    def _with(self, node: Node, pods: int) -> HardSpread:
        if not _labelled(node, self.constraints):
            return self
        domains = []
        for constraint, domain in zip(self.constraints, self.domains, strict=True):
            value = node.labels[constraint.topology_key]
            more = pods * self._itself(constraint)
            counts = _counts(self.pod, node, constraint)
            domains.append({**domain, value: domain.get(value, 0) + more} if counts else domain)
        return _counted(self.pod, self.constraints, tuple(domains))

    def _itself(self, constraint: SpreadConstraint) -> bool:
        return constraint.selector is not None and constraint.selector.matches(self.pod.labels)

    def reject(self, node: Node) -> Rejections:
        """Return why the pod would be spread too unevenly with the node."""
        for constraint, domain, fewest in zip(self.constraints, self.domains, self.fewest, strict=True):
            value = node.labels.get(constraint.topology_key)
            if value is None:
                return NO_LABEL
            if domain.get(value, 0) + self._itself(constraint) - fewest > constraint.max_skew:
                return UNEVEN
        return ()


def _counted(
    pod: PodInfo, constraints: tuple[SpreadConstraint, ...], domains: tuple[Mapping[str, int], ...]
) -> HardSpread:
    fewest = tuple(
        min(domain.values(), default=0) if len(domain) >= constraint.min_domains else 0
        for constraint, domain in zip(constraints, domains, strict=True)
    )
    return HardSpread(pod, constraints, domains, fewest)


def spread_scores(pod: PodInfo, feasible: Sequence[NodeInfo], snapshot: Snapshot) -> list[int] | None:
    """Score the feasible nodes by how few matching pods share their domains; None if nothing is asked."""
    constraints = soft_constraints(pod, snapshot)
    if not constraints:
        return None
    own = bool(pod.shape.spread)
    scored = [not own or _labelled(info.node, constraints) for info in feasible]
    kept = [info for info, good in zip(feasible, scored, strict=True) if good]
    raw = dict.fromkeys((info.name for info in kept), 0.0)
    for constraint in constraints:
        _add(raw, constraint, pod, kept, snapshot.nodes.values())
    return _normalize(
        [round(raw[i.name]) if good else None for i, good in zip(feasible, scored, strict=True)]
    )


def _add(
    raw: dict[str, float],
    constraint: SpreadConstraint,
    pod: PodInfo,
    kept: Sequence[NodeInfo],
    nodes: Collection[NodeInfo],
) -> None:
    key = constraint.topology_key
    if key == HOSTNAME:
        weight = math.log(len(kept) + 2)
        for info in kept:
            count = matching(info, constraint.selector, pod.namespace)
            raw[info.name] += count * weight + constraint.max_skew - 1
        return
    counts = dict.fromkeys((info.node.labels[key] for info in kept if key in info.node.labels), 0)
    weight = math.log(len(counts) + 2)
    for info in nodes:
        value = info.node.labels.get(key)
        if value in counts and _counts(pod, info.node, constraint):
            counts[value] += matching(info, constraint.selector, pod.namespace)
    for info in kept:
        if key in info.node.labels:
            raw[info.name] += counts[info.node.labels[key]] * weight + constraint.max_skew - 1


def _normalize(raw: Sequence[int | None]) -> list[int]:
    known = [value for value in raw if value is not None]
    highest, lowest = max(known, default=0), min(known, default=0)
    if highest == 0:
        return [0 if value is None else MAX_SCORE for value in raw]
    return [0 if value is None else MAX_SCORE * (highest + lowest - value) // highest for value in raw]
