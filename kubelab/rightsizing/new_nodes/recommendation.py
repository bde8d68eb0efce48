"""Container recommendations for a new node, in the form of a VerticalPodAutoscaler's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.quantities import parse_quantity
from kubelab.rightsizing.new_nodes.features import NodeFeatures
from kubelab.rightsizing.new_nodes.prediction import MIN_GROUPS, Known, NewNodes, Prediction

_UNITS = {"cpu": 1000, "memory": 1}
"""Recommendations are whole millicores and bytes."""


@dataclass(frozen=True, slots=True)
class FirstRecommendation:
    """What a pod gets on a node whose group has no recommendation.

    Attributes
    ----------
    containers : tuple of Object
        Container recommendations; ``lowerBound`` and ``upperBound`` are the ends of the interval.
    evidence : mapping
        The predictions, by container and resource, in millicores and bytes.
    """

    containers: tuple[Object, ...]
    evidence: Mapping[tuple[str, str], Prediction]

    @property
    def why(self) -> str:
        """Each figure with its interval and what it is made from, for people."""
        by_name = {each["containerName"]: each for each in self.containers}
        return "; ".join(
            _said(container, resource, by_name[container], prediction)
            for (container, resource), prediction in self.evidence.items()
        )


class FirstRecommendations:
    """Predicts container recommendations on new nodes; is fitted once.

    Parameters
    ----------
    groups : mapping
        The container recommendations of each scope value.
    features : mapping
        What the nodes of each scope value are like; groups without are left out.
    """

    def __init__(self, groups: Mapping[str, Sequence[Object]], features: Mapping[str, NodeFeatures]) -> None:
        known: dict[tuple[str, str], list[Known]] = {}
        for value in sorted(groups.keys() & features.keys()):
            for each in groups[value]:
                for resource, unit in _UNITS.items():
                    amount = float(parse_quantity(each["target"].get(resource, 0)) * unit)
                    if amount > 0:
                        found = known.setdefault((each["containerName"], resource), [])
                        found.append(Known(features[value], amount))
        self._models = {key: NewNodes(each) for key, each in known.items() if len(each) >= MIN_GROUPS}

    def on(self, node: NodeFeatures) -> FirstRecommendation:
        """Return what a pod gets on a node: never more than the node has, or it could not start there.

        Containers of which fewer than `MIN_GROUPS` groups are known are left out.
        """
        evidence = {key: model.predict(node) for key, model in self._models.items()}
        names = dict.fromkeys(container for container, _ in evidence)
        containers = (_container(name, evidence, node) for name in names)
        return FirstRecommendation(tuple(containers), evidence)


def _said(name: str, resource: str, container: Object, prediction: Prediction) -> str:
    target, lower, upper = (container[bound][resource] for bound in ("target", "lowerBound", "upperBound"))
    sure = f"{target}, in {prediction.level:.0%} of cases {lower} to {upper}"
    return f"{name} {resource}: {sure}, {prediction.why}"


def _container(name: str, evidence: Mapping[tuple[str, str], Prediction], node: NodeFeatures) -> Object:
    of_it = {resource: found for (container, resource), found in evidence.items() if container == name}

    def amounts(which: str) -> Object:
        return {
            resource: _quantity(resource, getattr(found, which), node) for resource, found in of_it.items()
        }

    return {
        "containerName": name,
        "target": amounts("target"),
        "lowerBound": amounts("lower"),
        "upperBound": amounts("upper"),
    }


def _quantity(resource: str, amount: float, node: NodeFeatures) -> str:
    """Return an amount as upstream writes it, the allocatable of the node at most."""
    whole = round(min(amount, node.sizes.get(resource, float("inf")) * _UNITS[resource]))
    return f"{whole}m" if resource == "cpu" else str(whole)
