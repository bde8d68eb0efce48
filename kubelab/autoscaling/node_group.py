"""`NodeGroup`: like nodes that a provider makes and takes, as the API has it; and the nodes that it makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from kubelab.autoscaling.catalogue import InstanceType
from kubelab.autoscaling.option import CAPACITY_TYPE, INSTANCE_TYPE, ZONE, Template
from kubelab.client import Object
from kubelab.costs.prices import PRICE, PRICE_DATE, PRICE_SOURCE, Price
from kubelab.errors import KubelabError
from kubelab.node_template import FAKE_NODE
from kubelab.scheduling.requests import Amounts, amounts, quantities
from kubelab.scheduling.selectors import Taint

NODE_GROUP = "autoscaling.kubelab.dev/node-group"
"""The label that names a node's group."""

LEAVES_FIRST = "autoscaling.kubelab.dev/leaves-first"
"""The annotation of a node that goes first when its group shrinks; its value is when that was decided."""

INTERRUPT = "autoscaling.kubelab.dev/interrupt"
"""The annotation by which a spot node is taken back at once."""


class NodeGroupError(KubelabError, ValueError):
    """A node group makes no sense.

    Attributes
    ----------
    group : str
        Its name.
    """

    def __init__(self, group: str, problem: str) -> None:
        self.group = group
        super().__init__(f"node group {group}: {problem}")


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """A NodeGroup object, read.

    Attributes
    ----------
    replicas : int
        How many nodes there should be: upstream's target size.
    price : Price or None
        Of one node; None if nobody knows it.
    delay_s : float
        From the request for a node to its being ready.
    available : int or None
        How many nodes the provider has; None for enough.
    interruptions_per_hour : float
        How often a spot node is taken back, on average.
    """

    name: str
    uid: str
    min_size: int
    max_size: int
    replicas: int
    template: Template
    price: Price | None
    delay_s: float = 60.0
    available: int | None = None
    interruptions_per_hour: float = 0.0

    @staticmethod
    def of(obj: Object, types: Mapping[str, InstanceType]) -> NodeGroup:
        """Read a NodeGroup object.

        Parameters
        ----------
        types : mapping of str to InstanceType
            The catalogue.

        Raises
        ------
        KubelabError
            If there is no such type, or the sizes make no sense.
        """
        name, spec = obj["metadata"]["name"], obj["spec"]
        low, high = int(spec.get("minSize", 0)), int(spec.get("maxSize", 1000))
        if low > high:
            raise NodeGroupError(name, f"minSize {low} is above maxSize {high}. Swap them, or raise maxSize.")
        capacity_type = spec.get("capacityType", "on-demand")
        template, price = _described(name, spec, types, capacity_type)
        return NodeGroup(
            name=name,
            uid=obj["metadata"].get("uid", ""),
            min_size=low,
            max_size=high,
            replicas=int(spec.get("replicas") or 0),
            template=template,
            price=price,
            delay_s=float(spec.get("provisioningDelaySeconds", 60)),
            available=spec.get("availableNodes"),
            interruptions_per_hour=float(spec.get("interruptionsPerNodeHour") or 0),
        )


def _described(
    name: str, spec: Object, types: Mapping[str, InstanceType], capacity_type: str
) -> tuple[Template, Price | None]:
    """Return what a node of the group is like, and what it costs."""
    own = spec.get("template")
    if own:
        allocatable = amounts(own.get("allocatable") or own.get("capacity"))
        allocatable.setdefault("pods", 110)
        capacity: Amounts = amounts(own.get("capacity")) or allocatable
        arch, price = "amd64", None
    else:
        kind = types[spec["instanceType"]]
        allocatable, capacity, arch = dict(kind.allocatable), kind.capacity, kind.arch
        price = kind.price(capacity_type)
    if "priceUsdPerHour" in spec:
        price = Price(
            float(spec["priceUsdPerHour"]), date.fromisoformat(spec["priceDate"]), f"node group {name}"
        )
    labels = {
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": arch,
        INSTANCE_TYPE: spec.get("instanceType") or name,
        CAPACITY_TYPE: capacity_type,
        NODE_GROUP: name,
        **({ZONE: spec["zone"]} if spec.get("zone") else {}),
        **(spec.get("labels") or {}),
    }
    taints = tuple(
        Taint(each["key"], each.get("value", ""), each["effect"]) for each in spec.get("taints") or ()
    )
    return Template(capacity, allocatable, labels, taints), price


def node_of(group: NodeGroup, name: str) -> Object:
    """Return a new Node of a group, which the simulated nodes adopt."""
    template = group.template
    taints = [
        {"key": each.key, **({"value": each.value} if each.value else {}), "effect": each.effect}
        for each in template.taints
    ]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, **template.labels},
            "annotations": {FAKE_NODE: "fake", **_priced(group.price)},
        },
        "spec": {"providerID": f"kubelab://{group.name}/{name}", **({"taints": taints} if taints else {})},
        "status": {
            "capacity": quantities(template.capacity),
            "allocatable": quantities(template.allocatable),
        },
    }


class GroupPrices:
    """The prices of groups' nodes, as expanders ask for them: by a node's labels."""

    def __init__(self, groups: Iterable[NodeGroup]) -> None:
        self._prices = {group.name: group.price for group in groups}

    def of(self, labels: Mapping[str, str]) -> Price | None:
        """Return the price of a node with these labels; None if it is not known."""
        return self._prices.get(labels.get(NODE_GROUP, ""))


def _priced(price: Price | None) -> dict[str, str]:
    if price is None:
        return {}
    return {
        PRICE: f"{price.usd_per_hour}",
        PRICE_DATE: price.date.isoformat(),
        **({PRICE_SOURCE: price.source} if price.source else {}),
    }
