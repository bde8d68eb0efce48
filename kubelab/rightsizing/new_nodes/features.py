"""What a node is like, as far as it could tell what a DaemonSet's pod will need there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kubelab.client import Object
from kubelab.quantities import QuantityError, parse_quantity
from kubelab.rightsizing.scopes import ABSENT

SIZES = ("cpu", "memory", "pods")
"""What every node has an amount of, in cores, bytes and pods."""

_FAMILY = "node.kubernetes.io/instance-family"
_TYPE = "node.kubernetes.io/instance-type"
_OWN_NAMES = frozenset({"kubernetes.io/hostname"})


@dataclass(frozen=True, slots=True)
class NodeFeatures:
    """A node, or what the nodes of a group have in common.

    Attributes
    ----------
    sizes : mapping of str to float
        Allocatable cores, bytes of memory and pods, where they are known and above zero.
    labels : mapping of str to str
        The node's labels but its name; of an instance type such as ``m6i.large`` also the family.
    devices : frozenset of str
        The extended resources that it has, such as ``nvidia.com/gpu``.
    """

    sizes: Mapping[str, float]
    labels: Mapping[str, str] = field(default_factory=dict)
    devices: frozenset[str] = frozenset()

    @staticmethod
    def of(node: Object) -> NodeFeatures:
        """Read a Node."""
        status = node.get("status") or {}
        amounts = _amounts(status.get("allocatable") or status.get("capacity") or {})
        labels = {
            key: value
            for key, value in (node["metadata"].get("labels") or {}).items()
            if key not in _OWN_NAMES
        }
        family, dot, _ = labels.get(_TYPE, "").partition(".")
        devices = frozenset(name for name, amount in amounts.items() if _is_device(name) and amount)
        sizes = {name: amounts[name] for name in SIZES if amounts.get(name)}
        return NodeFeatures(sizes, {**labels, **({_FAMILY: family} if dot else {})}, devices)

    @staticmethod
    def together(nodes: Sequence[NodeFeatures]) -> NodeFeatures:
        """Return what nodes have in common: the labels of all, and the mean of each size that all have.

        Parameters
        ----------
        nodes : sequence of NodeFeatures
            At least one.
        """
        first = nodes[0]
        labels = {
            key: value
            for key, value in first.labels.items()
            if all(each.labels.get(key) == value for each in nodes)
        }
        shared = [name for name in first.sizes if all(name in each.sizes for each in nodes)]
        sizes = {name: sum(each.sizes[name] for each in nodes) / len(nodes) for name in shared}
        devices = frozenset.intersection(*(each.devices for each in nodes))
        return NodeFeatures(sizes, labels, devices)

    def names(self) -> set[str]:
        """Return the labels and devices that it has."""
        return {*self.labels, *self.devices}

    def label(self, key: str) -> str:
        """Return a label's value, ``yes`` for a device; ``__absent__`` without it."""
        return "yes" if key in self.devices else self.labels.get(key, ABSENT)


def _amounts(given: Mapping[str, str]) -> dict[str, float]:
    found = {}
    for name, quantity in given.items():
        try:
            found[name] = float(parse_quantity(quantity))
        except QuantityError:
            continue
    return found


def _is_device(name: str) -> bool:
    return "/" in name and not name.startswith(("attachable-volumes-", "kubernetes.io/"))
