"""What a job's pods have cost so far: core hours and GiB hours, and dollars where their nodes say a price."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from kubelab import clock
from kubelab.client import NODES, Client, Object
from kubelab.costs.allocation import Money
from kubelab.costs.intervals import end_of, node_interval, pod_interval
from kubelab.costs.prices import price_of
from kubelab.costs.rates import split
from kubelab.errors import ApiError
from kubelab.lineage.cost import Amount
from kubelab.quantities import parse_quantity

_GIB = 2**30


def amount_of(pod: Object, now: datetime, node: Object | None = None) -> Amount:
    """Return what a pod's containers asked for, times how long the pod has had it, until it ended or now.

    Parameters
    ----------
    node : dict, optional
        Where it ran; with its price, the amount has dollars, by OpenCost's split of it.
    """
    status = pod.get("status") or {}
    if not status.get("startTime"):
        return Amount()
    began = clock.parse_rfc3339(status["startTime"])
    hours = max(0.0, (end_of(status) or now).timestamp() - began.timestamp()) / 3600
    requests = [
        (each.get("resources") or {}).get("requests") or {}
        for each in (pod.get("spec") or {}).get("containers") or ()
    ]
    cores = sum(parse_quantity(each.get("cpu", 0)) for each in requests)
    memory = sum(parse_quantity(each.get("memory", 0)) for each in requests)
    return Amount(float(cores) * hours, float(memory) / _GIB * hours, _usd(pod, node, now))


def _usd(pod: Object, node: Object | None, now: datetime) -> float:
    run = pod_interval(pod, now)
    life = node_interval(node, now) if node else None
    if run is None or life is None or life.price is None:
        return 0.0
    hours = (run.end - run.start).total_seconds() / 3600
    return Money.of(run.held.times(hours), split(life.price.usd_per_hour, life.capacity)).total


async def read_nodes(client: Client, pods: Iterable[Object]) -> dict[str, Object]:
    """Return the nodes that pods are on, by name; without those that are gone or may not be seen."""
    nodes: dict[str, Object] = {}
    for name in sorted({pod["spec"]["nodeName"] for pod in pods if (pod.get("spec") or {}).get("nodeName")}):
        with contextlib.suppress(ApiError):
            nodes[name] = await client.get(NODES, name)
    return nodes


def amounts_of(pods: Iterable[Object], now: datetime, nodes: Mapping[str, Object]) -> dict[str, Amount]:
    """Return what each pod has cost so far, by its uid."""
    return {
        pod["metadata"]["uid"]: amount_of(pod, now, nodes.get((pod.get("spec") or {}).get("nodeName", "")))
        for pod in pods
    }


def price_dates(nodes: Mapping[str, Object]) -> str:
    """Return when the prices of nodes held, such as ``2026-07-20``; "" where none has a price."""
    return ", ".join(sorted({f"{price.date}" for node in nodes.values() if (price := price_of(node))}))
