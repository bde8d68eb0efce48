"""Affinity and anti-affinity between pods, in both directions: what is required and what is preferred.

Source: ``plugins/interpodaffinity`` (v1.37).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubelab.scheduling.filters import Rejection, Rejections
from kubelab.scheduling.scores import MAX_SCORE
from kubelab.scheduling.shapes import PodTerm
from kubelab.scheduling.snapshot import Node, PodInfo, Snapshot

HARD_AFFINITY_WEIGHT = 1
"""``hardPodAffinityWeight``: what a bound pod's required affinity adds to a score."""

NO_AFFINITY = (Rejection("InterPodAffinity", "node(s) didn't match pod affinity rules"),)
OWN_ANTI = (Rejection("InterPodAffinity", "node(s) didn't match pod anti-affinity rules", resolvable=True),)
EXISTING_ANTI = (
    Rejection(
        "InterPodAffinity", "node(s) didn't satisfy existing pods anti-affinity rules", resolvable=True
    ),
)

Domain = tuple[str, str]
"""Topology key and value."""


@dataclass(frozen=True, slots=True)
class HardAffinity:
    """Where the pods are that a pod must join or avoid, and those that must avoid it."""

    pod: PodInfo
    joined: Counter[Domain]
    avoided: Counter[Domain]
    avoiding: Counter[Domain]
    first_of_its_kind: bool

    @staticmethod
    def of(pod: PodInfo, snapshot: Snapshot) -> HardAffinity | None:
        """Count the domains; None if neither the pod nor any bound pod has a rule."""
        shape = pod.shape
        if not (shape.affinity or shape.anti_affinity or snapshot.pods_with_terms):
            return None
        joined: Counter[Domain] = Counter()
        avoided: Counter[Domain] = Counter()
        avoiding: Counter[Domain] = Counter()
        for info in snapshot.nodes.values():
            for other in info.pods.values() if shape.affinity or shape.anti_affinity else ():
                if shape.affinity and all(_means(term, other, snapshot) for term in shape.affinity):
                    joined.update(_domains(shape.affinity, info.node))
                avoided.update(_matched(shape.anti_affinity, other, info.node, snapshot))
            for other in info.with_terms:
                avoiding.update(_matched(other.shape.anti_affinity, pod, info.node, snapshot))
        alone = not joined and all(_means(term, pod, snapshot) for term in shape.affinity)
        return HardAffinity(pod, joined, avoided, avoiding, alone)

    def placed(self, node: Node, snapshot: Snapshot) -> HardAffinity:
        """Return the domains with one more pod like this on a node."""
        pod, shape = self.pod, self.pod.shape
        joined, avoided, avoiding = Counter(self.joined), Counter(self.avoided), Counter(self.avoiding)
        if shape.affinity and all(_means(term, pod, snapshot) for term in shape.affinity):
            joined.update(_domains(shape.affinity, node))
        matched = _matched(shape.anti_affinity, pod, node, snapshot)
        avoided.update(matched)
        avoiding.update(matched)
        return HardAffinity(pod, joined, avoided, avoiding, self.first_of_its_kind and not joined)

    def reject(self, node: Node) -> Rejections:
        """Return which rule the node would break."""
        if not self._joins(node):
            return NO_AFFINITY
        if any(self.avoided[domain] for domain in _domains(self.pod.shape.anti_affinity, node)):
            return OWN_ANTI
        if any(node.labels.get(key) == value for key, value in self.avoiding):
            return EXISTING_ANTI
        return ()

    def _joins(self, node: Node) -> bool:
        terms = self.pod.shape.affinity
        if any(term.topology_key not in node.labels for term in terms):
            return False
        return self.first_of_its_kind or all(self.joined[domain] for domain in _domains(terms, node))


def _means(term: PodTerm, pod: PodInfo, snapshot: Snapshot) -> bool:
    return term.matches(pod.namespace, pod.labels, snapshot.namespaces)


def _domains(terms: Iterable[PodTerm], node: Node) -> list[Domain]:
    keys = (term.topology_key for term in terms)
    return [(key, node.labels[key]) for key in keys if key in node.labels]


def _matched(terms: Iterable[PodTerm], pod: PodInfo, node: Node, snapshot: Snapshot) -> list[Domain]:
    return _domains((term for term in terms if _means(term, pod, snapshot)), node)


def affinity_scores(pod: PodInfo, feasible: Sequence[Node], snapshot: Snapshot) -> list[int] | None:
    """Score the feasible nodes by preferences of the pod and of those there; None if there are none."""
    if not pod.shape.preferred_pods and not snapshot.pods_with_terms:
        return None
    weights: Counter[Domain] = Counter()
    for info in snapshot.nodes.values():
        for other in info.pods.values() if pod.shape.preferred_pods else ():
            _weigh(weights, pod.shape.preferred_pods, other, info.node, snapshot)
        for other in info.with_terms:
            _weigh(weights, other.shape.preferred_pods, pod, info.node, snapshot)
            for domain in _matched(other.shape.affinity, pod, info.node, snapshot):
                weights[domain] += HARD_AFFINITY_WEIGHT
    if not weights:
        return None
    return _normalize(
        [
            sum(weights[domain] for domain in weights if node.labels.get(domain[0]) == domain[1])
            for node in feasible
        ]
    )


def _weigh(
    weights: Counter[Domain], terms: Iterable[PodTerm], pod: PodInfo, node: Node, snapshot: Snapshot
) -> None:
    for term in terms:
        for domain in _matched((term,), pod, node, snapshot):
            weights[domain] += term.weight


def _normalize(raw: Sequence[int]) -> list[int]:
    lowest, highest = min(raw, default=0), max(raw, default=0)
    if highest == lowest:
        return [0] * len(raw)
    return [MAX_SCORE * (value - lowest) // (highest - lowest) for value in raw]
