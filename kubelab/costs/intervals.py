"""When nodes were there and pods ran on them: what a meter notes, and what costs are reckoned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.costs.prices import Price, Prices, PriceSheet, price_of
from kubelab.costs.rates import NOTHING, Resources
from kubelab.owners import Owner
from kubelab.scheduling.requests import Amounts, amounts, held_requests
from kubelab.simulated_pod import DeclarationError, usage_of

INSTANCE_TYPE = "node.kubernetes.io/instance-type"
NODE_GROUP = "autoscaling.kubelab.dev/node-group"
CAPACITY_TYPE = "autoscaling.kubelab.dev/capacity-type"

_GIB = 2**30
_DEVICES = ("gpu", "tpu", "neuron")
"""Resources whose names end so, such as ``nvidia.com/gpu``, are devices."""
_NOT_THE_USERS = ("pod-template-hash", "controller-uid", "batch.kubernetes.io/", "jobset.sigs.k8s.io/")


@dataclass(frozen=True, slots=True)
class NodeInterval:
    """A node, from when until when it was there.

    Attributes
    ----------
    capacity : Resources
        All that it has.
    price : Price or None
        What it costs; None if that is not known.
    """

    name: str
    uid: str
    start: datetime
    end: datetime
    capacity: Resources
    price: Price | None = None
    instance_type: str = ""
    node_group: str = ""
    capacity_type: str = ""


@dataclass(frozen=True, slots=True)
class PodInterval:
    """A pod, from when until when it had what it asked for of a node.

    Attributes
    ----------
    held : Resources
        On average over that time, the larger of what it asked for and what it used.
    asked : Resources
        What it asked for.
    used : Resources or None
        What it used on average; None where nothing is known of that.
    """

    namespace: str
    name: str
    uid: str
    node: str
    start: datetime
    end: datetime
    held: Resources
    owner: Owner = field(default_factory=Owner)
    labels: Mapping[str, str] = field(default_factory=dict)
    asked: Resources = NOTHING
    used: Resources | None = None


def node_interval(node: Object, end: datetime, prices: Prices | None = None) -> NodeInterval:
    """Return a Node's life until a moment; it began when the Node was created."""
    meta = node["metadata"]
    labels = meta.get("labels") or {}
    capacity = _resources(amounts((node.get("status") or {}).get("capacity")))
    price = price_of(node, prices)
    if price is None and isinstance(prices, PriceSheet):
        price = prices.of_capacity(capacity)
    return NodeInterval(
        name=meta["name"],
        uid=meta.get("uid", ""),
        start=parse_rfc3339(meta["creationTimestamp"]),
        end=end,
        capacity=capacity,
        price=price,
        instance_type=labels.get(INSTANCE_TYPE, ""),
        node_group=labels.get(NODE_GROUP, ""),
        capacity_type=labels.get(CAPACITY_TYPE, ""),
    )


def pod_interval(pod: Object, end: datetime) -> PodInterval | None:
    """Return a Pod's time on its node, until it ended or until ``end``; None if it has not begun.

    It begins with ``status.startTime``, once a container has started: as in OpenCost, a pod whose image
    cannot be pulled costs nothing.
    """
    meta, status = pod["metadata"], pod.get("status") or {}
    node = (pod.get("spec") or {}).get("nodeName")
    if not node or not status.get("startTime") or not _has_started(status):
        return None
    start = parse_rfc3339(status["startTime"])
    end = max(start, min(end_of(status) or end, end))
    asked = _resources(held_requests(pod))
    held, used = _consumed(pod, asked, start, end)
    return PodInterval(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta.get("uid", ""),
        node=node,
        start=start,
        end=end,
        held=held,
        owner=Owner.of(pod),
        labels={
            name: value
            for name, value in (meta.get("labels") or {}).items()
            if not name.startswith(_NOT_THE_USERS)
        },
        asked=asked,
        used=used,
    )


def _consumed(
    pod: Object, asked: Resources, start: datetime, end: datetime
) -> tuple[Resources, Resources | None]:
    """Return what a pod held, the larger of request and use, and what it used: on average since it began.

    Use is known of pods that declare it: see `kubelab.simulated_pod`.
    """
    try:
        use = usage_of(pod)
    except DeclarationError:
        use = None
    lasted_s = (end - start).total_seconds()
    if use is None or not lasted_s:
        return asked, None
    held, used = asked, NOTHING
    for seconds, (_, millicores, memory) in use.between(start, end):
        now = Resources(millicores / 1000, memory / _GIB)
        held += now.beyond(asked).times(seconds / lasted_s)
        used += now.times(seconds / lasted_s)
    return held, used


def _resources(found: Amounts) -> Resources:
    devices = sum(number for name, number in found.items() if name.rpartition("/")[2] in _DEVICES)
    return Resources(found.get("cpu", 0) / 1000, found.get("memory", 0) / _GIB, float(devices))


def _has_started(status: Object) -> bool:
    for each in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        if {"running", "terminated"} & {*(each.get("state") or ()), *(each.get("lastState") or ())}:
            return True
    return False


def end_of(status: Object) -> datetime | None:
    """Return when a pod's last container ended; None while it goes on."""
    if status.get("phase") not in {"Succeeded", "Failed"}:
        return None
    ends = [
        ended["finishedAt"]
        for each in status.get("containerStatuses") or ()
        if (ended := (each.get("state") or {}).get("terminated")) and ended.get("finishedAt")
    ]
    return max(map(parse_rfc3339, ends), default=None)
