"""Node groups that scenarios choose from: a few shapes of one cloud, at the catalogue's prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubelab.autoscaling.builders import node_group
from kubelab.autoscaling.catalogue import Catalogue, InstanceType
from kubelab.client import Object
from kubelab.scheduling.requests import Amounts, quantities

GPU = "nvidia.com/gpu"
MILLIGPU = "kubelab.dev/milligpu"
"""Thousandths of a GPU that several pods share."""

MIXED = (
    "c6i.2xlarge",
    "c6i.4xlarge",
    "m6i.xlarge",
    "m6i.2xlarge",
    "m6i.4xlarge",
    "m6i.8xlarge",
    "r6i.2xlarge",
    "r6i.4xlarge",
)
"""CPU-heavy, balanced and memory-heavy types, small and large."""


def groups(types: Sequence[str] = MIXED, *, suffix: str = "", **fields: Any) -> list[Object]:
    """Return a group for each type, named after it.

    Parameters
    ----------
    suffix : str
        Follows the type in the name, such as ``-spot``.
    **fields
        As in `kubelab.autoscaling.builders.node_group`.
    """
    return [
        node_group(f"{each.replace('.', '-')}{suffix}", each, **{"max_size": 200, **fields}) for each in types
    ]


def shared_gpu_groups(types: Sequence[str], **fields: Any) -> list[Object]:
    """Return a group for each type with one GPU, which its nodes offer in thousandths.

    A node with several GPUs would offer their thousandths as one pool, of which a pod might get a part of
    two; so only types with one are shared.

    Parameters
    ----------
    **fields
        As in `kubelab.autoscaling.builders.node_group`.
    """
    catalogue = Catalogue.load()
    return [_shared(group, catalogue) for group in groups(types, suffix="-shared", **fields)]


def _shared(group: Object, catalogue: Mapping[str, InstanceType]) -> Object:
    kind = catalogue[group["spec"]["instanceType"]]
    price = kind.on_demand
    template = {"capacity": _thousandths(kind.capacity), "allocatable": _thousandths(kind.allocatable)}
    priced = {"priceUsdPerHour": price.usd_per_hour, "priceDate": price.date.isoformat()}
    return {**group, "spec": {**group["spec"], "template": template, **priced}}


def _thousandths(found: Amounts) -> dict[str, str]:
    rest = {name: amount for name, amount in found.items() if name != GPU}
    return quantities({**rest, MILLIGPU: 1000 * found[GPU]})
