"""NodeGroup and ClusterAutoscaler objects, from what a cell says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

from kubelab.autoscaling.catalogue import Catalogue
from kubelab.autoscaling.errors import MissingRemoteError
from kubelab.autoscaling.expanders.chain import check
from kubelab.autoscaling.node_group import NodeGroup, NodeGroupError
from kubelab.client import CLUSTER_AUTOSCALERS, NODE_GROUPS, Object

CapacityType = Literal["on-demand", "spot"]


def node_group(
    name: str,
    instance_type: str,
    *,
    min_size: int = 0,
    max_size: int = 1000,
    capacity_type: CapacityType = "on-demand",
    zone: str = "",
    provisioning_delay_s: float = 60,
    available_nodes: int | None = None,
    interruptions_per_node_hour: float = 0,
    price_usd_per_hour: float | None = None,
    price_date: date | str | None = None,
    labels: Mapping[str, str] | None = None,
    taints: Sequence[Mapping[str, str]] = (),
) -> Object:
    """Return a NodeGroup object that makes sense; `kubelab.cluster.Cluster.add_node_group` tells the fields.

    Raises
    ------
    KubelabError
        If the type is unknown, the sizes contradict each other, or the price is missing or has no date.
    """
    if (price_usd_per_hour is None) != (price_date is None):
        raise NodeGroupError(
            name, "price_usd_per_hour and price_date go together. A price without its date says nothing."
        )
    if price_usd_per_hour is not None and price_usd_per_hour <= 0:
        raise NodeGroupError(
            name, f"price {price_usd_per_hour} is not above 0. Give USD an hour for one node."
        )
    spec: Object = {
        "instanceType": instance_type,
        "minSize": min_size,
        "maxSize": max_size,
        "replicas": min_size,
        "capacityType": capacity_type,
        "provisioningDelaySeconds": provisioning_delay_s,
        **({"zone": zone} if zone else {}),
        **({"availableNodes": available_nodes} if available_nodes is not None else {}),
        **({"labels": dict(labels)} if labels else {}),
        **({"taints": [dict(taint) for taint in taints]} if taints else {}),
    }
    if interruptions_per_node_hour:
        spec["interruptionsPerNodeHour"] = interruptions_per_node_hour
    if price_usd_per_hour is not None:
        spec |= {"priceUsdPerHour": price_usd_per_hour, "priceDate": str(price_date)}
    group: Object = {
        "apiVersion": NODE_GROUPS.api_version,
        "kind": NODE_GROUPS.kind,
        "metadata": {"name": name},
        "spec": spec,
    }
    if NodeGroup.of(group, Catalogue.load()).price is None:
        raise NodeGroupError(
            name,
            f"the catalogue has no {capacity_type} price for {instance_type}. "
            "Give price_usd_per_hour and price_date, or another capacity_type.",
        )
    return group


def cluster_autoscaler(
    expander: str,
    *,
    seed: int = 0,
    scale_down: Mapping[str, Any] | None = None,
    grpc_expander: Mapping[str, str] | None = None,
    **settings: Any,
) -> Object:
    """Return the ClusterAutoscaler object.

    Raises
    ------
    ExpanderError
        If there is no such expander, or the chain makes no sense.
    """
    names = [name.strip() for name in expander.split(",")]
    check(names)
    if "grpc" in names and not grpc_expander:
        raise MissingRemoteError
    spec: Object = {"expander": expander, "seed": seed, **{_camel(key): settings[key] for key in settings}}
    if scale_down:
        spec["scaleDown"] = {_camel(key): value for key, value in scale_down.items()}
    if grpc_expander:
        spec["grpcExpander"] = dict(grpc_expander)
    return {
        "apiVersion": CLUSTER_AUTOSCALERS.api_version,
        "kind": CLUSTER_AUTOSCALERS.kind,
        "metadata": {"name": "default"},
        "spec": spec,
    }


def _camel(name: str) -> str:
    """Return ``unneededSeconds`` for ``unneeded_s``, and ``maxNodesTotal`` for ``max_nodes_total``."""
    if name.endswith("_s"):
        name = f"{name[:-2]}_seconds"
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
