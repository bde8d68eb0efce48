"""The part of a pod that decides where it fits. Pods made from one template share one `Shape`.

That is what makes scheduling many identical pods cheap (the idea of KEP-5598): what was found out for
one shape on one node stays true until that node changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from kubelab.client import Object
from kubelab.scheduling.requests import held_requests
from kubelab.scheduling.resizing import specs_of
from kubelab.scheduling.selectors import (
    Labels,
    NodeTerm,
    Requirement,
    Selector,
    Toleration,
    node_terms,
)

REMEMBERED = 4096
"""How many shapes are kept; the one unused for longest goes first."""

Port = tuple[str, str, int]
"""Protocol, host address and host port."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """A preference for nodes, from 1 to 100."""

    weight: int
    term: NodeTerm


@dataclass(frozen=True, slots=True)
class SpreadConstraint:
    """One ``topologySpreadConstraints`` entry, its label keys merged into the selector."""

    topology_key: str
    max_skew: int
    hard: bool
    selector: Selector | None
    min_domains: int
    honor_affinity: bool
    honor_taints: bool


@dataclass(frozen=True, slots=True)
class PodTerm:
    """A ``PodAffinityTerm`` with its namespaces resolved; the weight is 0 for a required term."""

    topology_key: str
    selector: Selector | None
    namespaces: frozenset[str]
    namespace_selector: Selector | None
    weight: int = 0

    def matches(self, namespace: str, labels: Labels, namespace_labels: Mapping[str, Labels]) -> bool:
        """Say whether the term means this pod."""
        if self.selector is None or not self._covers(namespace, namespace_labels):
            return False
        return self.selector.matches(labels)

    def _covers(self, namespace: str, namespace_labels: Mapping[str, Labels]) -> bool:
        if namespace in self.namespaces:
            return True
        return self.namespace_selector is not None and self.namespace_selector.matches(
            namespace_labels.get(namespace, {})
        )


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What filters and scores read of a pod, parsed; compared by identity.

    Attributes
    ----------
    requests : mapping
        Resource requests (see `requests.Amounts`).
    nonzero_cpu_millicores, nonzero_memory_bytes : int
        Requests with upstream's defaults for containers that ask for nothing, used by scores.
    node_name_terms : frozenset of str or None
        The only nodes that required node affinity can match, where it names them.
    """

    requests: Mapping[str, int]
    nonzero_cpu_millicores: int
    nonzero_memory_bytes: int
    ports: tuple[Port, ...]
    node_selector: Selector
    required_nodes: tuple[NodeTerm, ...] | None
    preferred_nodes: tuple[Weighted, ...]
    tolerations: tuple[Toleration, ...]
    spread: tuple[SpreadConstraint, ...]
    affinity: tuple[PodTerm, ...]
    anti_affinity: tuple[PodTerm, ...]
    preferred_pods: tuple[PodTerm, ...]
    claims: tuple[str, ...]
    images: tuple[str, ...]
    may_preempt: bool

    @property
    def local(self) -> bool:
        """Whether a node can be judged for it without looking at other nodes."""
        return not (
            self.preferred_nodes
            or self.spread
            or self.affinity
            or self.anti_affinity
            or self.preferred_pods
            or self.claims
        )

    @property
    def has_pod_terms(self) -> bool:
        """Whether it prefers or avoids other pods, which then concerns those pods too."""
        return bool(self.affinity or self.anti_affinity or self.preferred_pods)

    @property
    def node_names(self) -> frozenset[str] | None:
        """The only nodes that required node affinity can match, where every term names them."""
        if not self.required_nodes:
            return None
        named = [term.node_names for term in self.required_nodes]
        if any(names is None for names in named):
            return None
        return frozenset().union(*(names for names in named if names is not None))


class Shapes:
    """Parses shapes, and gives the same object for pods that are alike."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Shape] = OrderedDict()

    def of(self, pod: Object) -> Shape:
        """Return the pod's shape."""
        key = orjson.dumps(_relevant(pod), option=orjson.OPT_SORT_KEYS)
        shape = self._known.get(key)
        if shape is None:
            shape = self._known[key] = parse_shape(pod)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return shape


def _relevant(pod: Object) -> list[Any]:
    spec = pod["spec"]
    meta = pod["metadata"]
    placed = spec.get("topologySpreadConstraints") or spec.get("affinity") or None
    return [
        [_container(each) for each in spec.get("containers") or ()],
        [_container(each) for each in spec.get("initContainers") or ()],
        spec.get("resources"),
        spec.get("overhead"),
        spec.get("nodeSelector"),
        spec.get("affinity"),
        spec.get("tolerations"),
        spec.get("topologySpreadConstraints"),
        spec.get("preemptionPolicy"),
        claim_names(pod),
        placed and [meta.get("namespace"), meta.get("labels")],
        resized(pod),
    ]


def resized(pod: Object) -> list[Any] | None:
    """Return the resources that a pod holds while it is resized; None if they are what it asks for."""
    specs = specs_of(pod, "requests")
    if specs[0] is pod["spec"] and len(specs) == 1:
        return None
    return [[each.get("resources") for each in _containers(spec)] for spec in specs]


def _container(container: Object) -> tuple[Any, ...]:
    return (
        container.get("image"),
        container.get("resources"),
        container.get("ports"),
        container.get("restartPolicy"),
    )


def claim_names(pod: Object) -> list[str]:
    """Return the names of the claims that a pod mounts, those of ephemeral volumes included."""
    names = []
    for volume in pod["spec"].get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            names.append(volume["persistentVolumeClaim"]["claimName"])
        elif "ephemeral" in volume:
            names.append(f"{pod['metadata']['name']}-{volume['name']}")
    return names


def parse_shape(pod: Object) -> Shape:
    """Parse the part of a pod that decides where it fits."""
    spec = pod["spec"]
    affinity = spec.get("affinity") or {}
    nodes = affinity.get("nodeAffinity") or {}
    pods = affinity.get("podAffinity") or {}
    apart = affinity.get("podAntiAffinity") or {}
    nonzero = held_requests(pod, nonzero=True)
    return Shape(
        requests=held_requests(pod),
        nonzero_cpu_millicores=nonzero.get("cpu", 0),
        nonzero_memory_bytes=nonzero.get("memory", 0),
        ports=_ports(spec),
        node_selector=Selector.equal(spec.get("nodeSelector") or {}),
        required_nodes=node_terms(nodes.get("requiredDuringSchedulingIgnoredDuringExecution")),
        preferred_nodes=tuple(
            Weighted(each["weight"], NodeTerm.of(each["preference"])) for each in _preferred(nodes)
        ),
        tolerations=tuple(Toleration.of(each) for each in spec.get("tolerations") or ()),
        spread=tuple(_spread(each, pod) for each in spec.get("topologySpreadConstraints") or ()),
        affinity=_required(pods, pod),
        anti_affinity=_required(apart, pod),
        preferred_pods=(*_preferred_pods(pods, pod, 1), *_preferred_pods(apart, pod, -1)),
        claims=tuple(claim_names(pod)),
        images=tuple(each.get("image") or "" for each in _containers(spec)),
        may_preempt=spec.get("preemptionPolicy") != "Never",
    )


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def _ports(spec: Object) -> tuple[Port, ...]:
    return tuple(
        (port.get("protocol") or "TCP", port.get("hostIP") or "0.0.0.0", port["hostPort"])
        for container in _containers(spec)
        for port in container.get("ports") or ()
        if port.get("hostPort")
    )


def _preferred(affinity: Object) -> Iterable[Object]:
    return affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()


def _required(affinity: Object, pod: Object) -> tuple[PodTerm, ...]:
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    return tuple(_pod_term(term, pod, 0) for term in terms)


def _preferred_pods(affinity: Object, pod: Object, sign: int) -> tuple[PodTerm, ...]:
    return tuple(
        _pod_term(each["podAffinityTerm"], pod, sign * each["weight"]) for each in _preferred(affinity)
    )


def _pod_term(term: Object, pod: Object, weight: int) -> PodTerm:
    selector = _selector(term, pod)
    if selector is not None:
        selector = selector.narrowed(*_label_keys(term.get("mismatchLabelKeys"), pod, "NotIn"))
    among = term.get("namespaceSelector")
    namespaces = term.get("namespaces") or (
        [] if among is not None else [pod["metadata"].get("namespace", "")]
    )
    return PodTerm(
        topology_key=term["topologyKey"],
        selector=selector,
        namespaces=frozenset(namespaces),
        namespace_selector=None if among is None else Selector.of(among),
        weight=weight,
    )


def _spread(constraint: Object, pod: Object) -> SpreadConstraint:
    return SpreadConstraint(
        topology_key=constraint["topologyKey"],
        max_skew=constraint["maxSkew"],
        hard=constraint["whenUnsatisfiable"] == "DoNotSchedule",
        selector=_selector(constraint, pod),
        min_domains=constraint.get("minDomains") or 1,
        honor_affinity=constraint.get("nodeAffinityPolicy", "Honor") == "Honor",
        honor_taints=constraint.get("nodeTaintsPolicy", "Ignore") == "Honor",
    )


def _selector(term: Object, pod: Object) -> Selector | None:
    selector = term.get("labelSelector")
    if selector is None:
        return None
    return Selector.of(selector).narrowed(*_label_keys(term.get("matchLabelKeys"), pod, "In"))


def _label_keys(keys: Iterable[str] | None, pod: Object, operator: str) -> list[Requirement]:
    labels = pod["metadata"].get("labels") or {}
    return [Requirement(key, operator, frozenset({labels[key]})) for key in keys or () if key in labels]
