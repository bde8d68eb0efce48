"""`NodeGroupSet`: one scheduling domain, and the choice of the few node groups that serve it.

A cluster with a group for every type loops too slowly; a set keeps those that its requirements ask for, each
with fallbacks of other families, which are other capacity pools. The idea is Datadog's (KubeCon Europe 2025),
the rules are our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from kubelab.autoscaling.advisor import Advice, Candidate
from kubelab.autoscaling.lower_bound.offers import described
from kubelab.client import NODE_GROUPS, Object
from kubelab.scheduling.requests import Amounts, amounts

NODE_GROUP_SET = "autoscaling.kubelab.dev/node-group-set"
"""The label of a node, and of its group, that names its set."""

LOYALTY = 0.05
"""A group that is there stays chosen while no other type is cheaper by more than this share."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a set asks of its groups.

    Attributes
    ----------
    fits : mapping
        What a new node must have free for one pod; empty for no such demand.
    cheapest : bool
        Whether the whole set's cost decides; otherwise the price of one node.
    fallbacks : int
        How many types more.
    """

    name: str
    fits: Amounts
    cheapest: bool
    fallbacks: int = 0


@dataclass(frozen=True, slots=True)
class NodeGroupSet:
    """A NodeGroupSet object, read.

    Attributes
    ----------
    selector : mapping of str to str
        The ``nodeSelector`` of its pods.
    types : str
        A CEL expression over instance types; "" for all.
    template : dict
        What each of its groups is like, but for the type.
    """

    name: str
    selector: Mapping[str, str]
    types: str
    requirements: tuple[Requirement, ...]
    max_groups: int
    template: Object

    @staticmethod
    def of(obj: Object) -> NodeGroupSet:
        """Read a NodeGroupSet object; one without requirements asks for the cheapest type.

        Raises
        ------
        QuantityError
            If what a requirement fits is no quantity.
        """
        spec = obj.get("spec") or {}
        asked = spec.get("requirements") or [{"name": "cheapest", "cheapest": True}]
        return NodeGroupSet(
            name=obj["metadata"]["name"],
            selector=spec.get("selector") or {},
            types=spec.get("types") or "",
            requirements=tuple(_requirement(each) for each in asked),
            max_groups=int(spec.get("maxGroups", 10)),
            template=spec.get("template") or {},
        )

    @property
    def capacity_type(self) -> str:
        """How its nodes are bought."""
        return str(self.template.get("capacityType", "on-demand"))


def _requirement(spec: Object) -> Requirement:
    fits = amounts(spec.get("fits"))
    cheapest = bool(spec.get("cheapest", not fits))
    return Requirement(spec["name"], fits, cheapest, int(spec.get("fallbacks", 0)))


@dataclass(frozen=True, slots=True)
class ChosenType:
    """A type that gets a group: for which requirement, and why."""

    name: str
    requirement: str
    why: str


def choose(
    wanted: NodeGroupSet, advice: Sequence[Advice], there: AbstractSet[str] = frozenset()
) -> list[ChosenType]:
    """Choose the types that get a group.

    Parameters
    ----------
    advice : sequence of Advice
        For the set's pods, on each type that its expression allows.
    there : set of str
        The types that have a group already.
    """
    chosen: dict[str, ChosenType] = {}
    for requirement in wanted.requirements:
        ranked = [each for each in _ranked(requirement, advice, there) if each.name not in chosen]
        for place, each in enumerate(_of_different_families(ranked, requirement.fallbacks + 1)):
            if len(chosen) < wanted.max_groups:
                chosen[each.name] = ChosenType(each.name, requirement.name, _why(requirement, each, place))
    return list(chosen.values())


def _ranked(requirement: Requirement, advice: Sequence[Advice], there: AbstractSet[str]) -> list[Advice]:
    """Return the types that satisfy a requirement, the best first."""

    def order(each: Advice) -> tuple[float, float, str]:
        price = each.candidate.price.usd_per_hour
        cost = (each.usd_per_hour or price) if requirement.cheapest else price
        return cost * (1 - LOYALTY if each.name in there else 1), price, each.name

    return sorted((each for each in advice if _satisfies(requirement, each)), key=order)


def _satisfies(requirement: Requirement, advice: Advice) -> bool:
    return (advice.fits or not requirement.cheapest) and _holds(advice.candidate, requirement.fits)


def within(requirement: Requirement, candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the types of which a new node has free what a requirement fits, the cheapest first."""
    fitting = (each for each in candidates if _holds(each, requirement.fits))
    return sorted(fitting, key=lambda each: (each.price.usd_per_hour, each.type.name))


def _holds(candidate: Candidate, wanted: Amounts) -> bool:
    fresh = candidate.fresh
    free = {name: value - fresh.requested.get(name, 0) for name, value in fresh.node.allocatable.items()}
    return all(free.get(name, 0) >= value for name, value in wanted.items())


def _of_different_families(ranked: Sequence[Advice], count: int) -> list[Advice]:
    """Return so many of the best, of as many families as there are."""
    families: set[str] = set()
    first: list[Advice] = []
    again: list[Advice] = []
    for each in ranked:
        (again if each.candidate.type.family in families else first).append(each)
        families.add(each.candidate.type.family)
    return [*first, *again][:count]


def _why(requirement: Requirement, advice: Advice, place: int) -> str:
    role = "the best type" if not place else f"fallback {place}"
    fits = f" that fits {described(requirement.fits)}" if requirement.fits else ""
    by = (
        f"by the whole set's cost: {advice.why}"
        if requirement.cheapest
        else f"by its price, {advice.candidate.price}"
    )
    return f"{role}{fits} {by}"


def conflicts(name: str, selectors: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Return the other sets that claim pods which this one claims, and neither is the more specific.

    Parameters
    ----------
    selectors : mapping of str to mapping
        Every set's selector, by its name.
    """
    own = selectors[name]
    return tuple(
        other for other, theirs in sorted(selectors.items()) if other != name and _ambiguous(own, theirs)
    )


def _ambiguous(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    if any(other.get(key, value) != value for key, value in one.items()):
        return False
    return one == other or not (one.items() < other.items() or other.items() < one.items())


def set_of(node_selector: Mapping[str, str], selectors: Mapping[str, Mapping[str, str]]) -> str:
    """Return the name of the most specific set that claims a pod; "" if none does."""
    claiming = [
        (len(selector), name)
        for name, selector in selectors.items()
        if selector.items() <= node_selector.items()
    ]
    return min(claiming, key=lambda each: (-each[0], each[1]), default=(0, ""))[1]


def group_of_set(wanted: NodeGroupSet, type_name: str) -> Object:
    """Return the NodeGroup for a type: the template, with the set's selector as labels of its nodes."""
    labels = {**(wanted.template.get("labels") or {}), **wanted.selector, NODE_GROUP_SET: wanted.name}
    low = wanted.template.get("minSize", 0)
    return {
        "apiVersion": NODE_GROUPS.api_version,
        "kind": NODE_GROUPS.kind,
        "metadata": {
            "name": f"{wanted.name}-{type_name}".lower().replace(".", "-").replace("_", "-"),
            "labels": {NODE_GROUP_SET: wanted.name},
        },
        "spec": {"replicas": low, **wanted.template, "instanceType": type_name, "labels": labels},
    }
