"""Node groups like the nodes of a dump: by pool, type, zone, how they are bought, and taints."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import count

from kubelab.autoscaling.catalogue import Catalogue
from kubelab.autoscaling.node_group import NODE_GROUP
from kubelab.autoscaling.option import CAPACITY_TYPE, INSTANCE_TYPE, ZONE
from kubelab.client import NODE_GROUPS, Object
from kubelab.costs.prices import Price, price_of
from kubelab.scheduling.requests import amounts, quantities

POOLS = (
    NODE_GROUP,
    "eks.amazonaws.com/nodegroup",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
    "karpenter.sh/nodepool",
)
"""The labels by which providers and Karpenter name a node's pool."""

SPOT = {
    CAPACITY_TYPE: "spot",
    "karpenter.sh/capacity-type": "spot",
    "eks.amazonaws.com/capacityType": "SPOT",
    "cloud.google.com/gke-spot": "true",
    "kubernetes.azure.com/scalesetpriority": "spot",
}
"""The labels of nodes that may be taken back."""

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
HOSTNAME = "kubernetes.io/hostname"
PASSING = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "autoscaling.kubelab.dev/interrupted")
"""How the keys of taints begin that tell of a node's state and not of its kind."""

PASSING_SUFFIX = "ByClusterAutoscaler"
LONGEST_NAME = 50


def node_groups(nodes: Sequence[Object], *, from_zero: bool) -> list[Object]:
    """Return a group for each kind of node, by name.

    Its nodes have what the least of the dump's has, and the price that these carry or the catalogue knows. A
    group of the control plane keeps its size.

    Parameters
    ----------
    from_zero : bool
        Begin without nodes instead of with as many as there are.
    """
    kinds: dict[tuple[str, ...], list[Object]] = {}
    for node in sorted(nodes, key=lambda each: str(each["metadata"]["name"])):
        kinds.setdefault(_kind(node), []).append(node)
    taken: set[str] = set()
    return [_group(_free_name(kind, taken), alike, from_zero) for kind, alike in sorted(kinds.items())]


def _kind(node: Object) -> tuple[str, ...]:
    labels = _labels(node)
    pool = next((labels[key] for key in POOLS if key in labels), "")
    taints = sorted(f"{each['key']}={each.get('value', '')}:{each['effect']}" for each in _taints(node))
    role = "control-plane" if CONTROL_PLANE in labels else ""
    spot = "spot" if _is_spot(labels) else ""
    return pool, role, labels.get(INSTANCE_TYPE, ""), labels.get(ZONE, ""), spot, *taints


def _free_name(kind: tuple[str, ...], taken: set[str]) -> str:
    """Return a name that tells the kind, with a number behind if another has it."""
    words = [re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-") for word in kind[:5]]
    name = "-".join(dict.fromkeys(filter(None, words)))[:LONGEST_NAME].strip("-") or "nodes"
    free = (
        name if name not in taken else next(f"{name}-{at}" for at in count(2) if f"{name}-{at}" not in taken)
    )
    taken.add(free)
    return free


def _group(name: str, nodes: Sequence[Object], from_zero: bool) -> Object:
    labels = _labels(nodes[0])
    capacity_type = "spot" if _is_spot(labels) else "on-demand"
    least = 0 if CONTROL_PLANE not in labels else len(nodes)
    kind = labels.get(INSTANCE_TYPE)
    spec: Object = {
        **({"instanceType": kind} if kind else {}),
        "template": _template(nodes),
        "minSize": least,
        "maxSize": least or max(1000, len(nodes)),
        "replicas": least if from_zero else len(nodes),
        "capacityType": capacity_type,
        "labels": _common_labels(nodes),
    }
    if ZONE in labels:
        spec["zone"] = labels[ZONE]
    if taints := _taints(nodes[0]):
        spec["taints"] = taints
    if price := _price(nodes[0], kind or "", capacity_type):
        spec |= {"priceUsdPerHour": price.usd_per_hour, "priceDate": price.date.isoformat()}
    return {
        "apiVersion": NODE_GROUPS.api_version,
        "kind": NODE_GROUPS.kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def _template(nodes: Sequence[Object]) -> dict[str, dict[str, str]]:
    """Return the least that any of the nodes has of each resource."""
    told = [node["status"] for node in nodes]
    return {
        part: _least([status.get(part) or status["allocatable"] for status in told])
        for part in ("capacity", "allocatable")
    }


def _least(lists: Sequence[Mapping[str, str]]) -> dict[str, str]:
    read = [amounts(each) for each in lists]
    shared = [name for name in read[0] if all(name in each for each in read)]
    return quantities({name: min(each[name] for each in read) for name in shared})


def _common_labels(nodes: Sequence[Object]) -> dict[str, str]:
    own = {HOSTNAME, NODE_GROUP, INSTANCE_TYPE, CAPACITY_TYPE, ZONE}
    first, *rest = (_labels(node) for node in nodes)
    return {
        key: value
        for key, value in first.items()
        if key not in own and all(labels.get(key) == value for labels in rest)
    }


def _price(node: Object, kind: str, capacity_type: str) -> Price | None:
    types = Catalogue.load()
    return price_of(node) or (types[kind].price(capacity_type) if kind in types else None)


def _labels(node: Object) -> dict[str, str]:
    return node["metadata"].get("labels") or {}


def _is_spot(labels: Mapping[str, str]) -> bool:
    return any(labels.get(key) == value for key, value in SPOT.items())


def _taints(node: Object) -> list[Object]:
    """Return the taints that belong to the kind of node."""
    return [
        {key: taint[key] for key in ("key", "value", "effect") if taint.get(key)}
        for taint in node.get("spec", {}).get("taints") or ()
        if not taint["key"].startswith(PASSING) and not taint["key"].endswith(PASSING_SUFFIX)
    ]
