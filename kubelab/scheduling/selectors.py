"""Label selectors, node selector terms, taints and tolerations: parsed once, matched often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kubelab.client import Object

Labels = Mapping[str, str]

DO_NOT_SCHEDULE = frozenset({"NoSchedule", "NoExecute"})


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on a set of labels: ``key operator values``."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Labels) -> bool:
        """Say whether the labels meet the condition; a label that is absent meets ``NotIn``."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case "Gt" | "Lt":
                return _compare(self.operator, value, self.values)
        return False


def _compare(operator: str, value: str | None, values: frozenset[str]) -> bool:
    try:
        left, right = int(value or ""), int(next(iter(values), ""))
    except ValueError:
        return False
    return left > right if operator == "Gt" else left < right


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that must all hold; without any, it matches everything."""

    requirements: tuple[Requirement, ...] = ()

    @staticmethod
    def of(selector: Object) -> Selector:
        """Parse a ``metav1.LabelSelector``."""
        equal = [_equals(key, value) for key, value in (selector.get("matchLabels") or {}).items()]
        return Selector((*equal, *_requirements(selector.get("matchExpressions"))))

    @staticmethod
    def equal(labels: Labels) -> Selector:
        """Return what matches all of these labels."""
        return Selector(tuple(_equals(key, value) for key, value in labels.items()))

    def matches(self, labels: Labels) -> bool:
        """Say whether every requirement holds."""
        return all(requirement.matches(labels) for requirement in self.requirements)

    def narrowed(self, *requirements: Requirement) -> Selector:
        """Return this selector with more requirements."""
        return Selector((*self.requirements, *requirements))


def _equals(key: str, value: str) -> Requirement:
    return Requirement(key, "In", frozenset({value}))


def _requirements(expressions: Iterable[Object] | None) -> list[Requirement]:
    return [
        Requirement(each["key"], each["operator"], frozenset(each.get("values") or ()))
        for each in expressions or ()
    ]


@dataclass(frozen=True, slots=True)
class NodeTerm:
    """A ``NodeSelectorTerm``: label requirements and field requirements, all of which must hold."""

    labels: tuple[Requirement, ...]
    fields: tuple[Requirement, ...]

    @staticmethod
    def of(term: Object) -> NodeTerm:
        """Parse a term of ``nodeSelectorTerms`` or of a preference."""
        return NodeTerm(
            tuple(_requirements(term.get("matchExpressions"))), tuple(_requirements(term.get("matchFields")))
        )

    def matches(self, name: str, labels: Labels) -> bool:
        """Say whether a node matches; an empty term matches no node."""
        if not self.labels and not self.fields:
            return False
        return all(each.matches(labels) for each in self.labels) and all(
            each.matches({"metadata.name": name}) for each in self.fields
        )

    @property
    def node_names(self) -> frozenset[str] | None:
        """The only nodes that can match, where the term names them; else None."""
        for each in self.fields:
            if each.key == "metadata.name" and each.operator == "In":
                return each.values
        return None


def node_terms(selector: Object | None) -> tuple[NodeTerm, ...] | None:
    """Parse a ``NodeSelector``; None where there is none. A node must match one of the terms."""
    if selector is None:
        return None
    return tuple(NodeTerm.of(term) for term in selector.get("nodeSelectorTerms") or ())


def target_node(pod: Object) -> str:
    """Return the node that a pod is bound to or, as a daemon's, required to be on; "" for none."""
    spec = pod["spec"]
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    for term in node_terms(affinity.get("requiredDuringSchedulingIgnoredDuringExecution")) or ():
        for name in term.node_names or ():
            return name
    return ""


@dataclass(frozen=True, slots=True)
class Taint:
    """What keeps pods off a node unless they tolerate it."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class Toleration:
    """What lets a pod onto a tainted node; empty fields match all."""

    key: str
    operator: str
    value: str
    effect: str

    @staticmethod
    def of(toleration: Object) -> Toleration:
        """Parse a toleration of a pod."""
        return Toleration(
            toleration.get("key") or "",
            toleration.get("operator") or "Equal",
            toleration.get("value") or "",
            toleration.get("effect") or "",
        )

    def tolerates(self, taint: Taint) -> bool:
        """Say whether this toleration covers the taint."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        return self.operator == "Exists" or (bool(self.key) and self.value == taint.value)


def untolerated(
    taints: Iterable[Taint], tolerations: tuple[Toleration, ...], effects: frozenset[str] = DO_NOT_SCHEDULE
) -> Taint | None:
    """Return the first taint of these effects that no toleration covers."""
    for taint in taints:
        if taint.effect in effects and not any(each.tolerates(taint) for each in tolerations):
            return taint
    return None
