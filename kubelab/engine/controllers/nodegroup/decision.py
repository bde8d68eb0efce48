"""What a provider does with a node group now: which nodes come, are refused, are taken back, or go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelab.autoscaling.node_group import LEAVES_FIRST, NodeGroup
from kubelab.client import Object
from kubelab.clock import parse_rfc3339, rfc3339_micro
from kubelab.engine.controllers.conditions import is_true
from kubelab.engine.controllers.nodegroup.interruptions import NEVER, NOTICE, is_told, taken_back_at

MARKED = timedelta(seconds=30)
"""A node marked to go so long ago goes even if one that was lost meanwhile made the target right."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The provider's next steps.

    Attributes
    ----------
    status : dict
        The NodeGroup's.
    create : tuple of str
        Names of nodes that have come.
    delete : tuple of dict
        Nodes that go, for the group is too large.
    take : tuple of dict
        Spot nodes that are taken back.
    notify : tuple of dict
        Spot nodes that are told so.
    refused : str
        Why nodes were refused; "" if they were not, or it was said before.
    again_s : float or None
        When something falls due.
    """

    status: Object
    create: tuple[str, ...] = ()
    delete: tuple[Object, ...] = ()
    take: tuple[Object, ...] = ()
    notify: tuple[Object, ...] = ()
    refused: str = ""
    again_s: float | None = None


def decide(
    group: NodeGroup, old: Object, nodes: Sequence[Object], has_pods: Callable[[str], bool], now: datetime
) -> Decision:
    """Bring a group one step towards its target.

    Parameters
    ----------
    old : dict
        The NodeGroup's status.
    nodes : sequence of dict
        Its Nodes.
    has_pods : callable
        Whether pods run on a node; one without goes before one with.
    """
    ends = {_name(node): taken_back_at(group, node) for node in nodes}
    take = [node for node in nodes if is_told(node) and ends[_name(node)] <= now]
    stay = [node for node in nodes if node not in take]
    notify = [node for node in stay if not is_told(node) and ends[_name(node)] - NOTICE <= now]
    come, coming = _arrivals(old.get("provisioning") or (), now)
    coming = coming[: max(group.replicas - len(stay) - len(come), 0)]
    delete = _leaving(stay, has_pods, len(stay) + len(come) + len(coming) - group.replicas)
    marked = {_name(node): at for node in stay if node not in delete and (at := _goes_at(node))}
    delete += [node for node in stay if marked.get(_name(node), NEVER) <= now]
    have = len(stay) - len(delete) + len(come) + len(coming)
    granted, refused = _granted(group, have)
    last = int(old.get("lastNumber") or 0)
    ready_at = now + timedelta(seconds=group.delay_s)
    for number in range(last + 1, last + granted + 1):
        if group.delay_s:
            coming.append(_entry(f"{group.name}-{number}", now, ready_at))
        else:
            come.append(f"{group.name}-{number}")
    stay = [node for node in stay if node not in delete]
    status = _status(group, old, stay, coming)
    status["lastNumber"] = last + granted
    status["interruptions"] = int(old.get("interruptions") or 0) + len(take)
    said = _refusal(group, refused, old, status, now)
    dues = [parse_rfc3339(each["readyAt"]) for each in coming]
    dues += [at for node in stay if (at := marked.get(_name(node), NEVER)) < NEVER]
    dues += [ends[_name(node)] for node in stay if is_told(node)]
    dues += [ends[_name(node)] - NOTICE for node in stay if not is_told(node) and ends[_name(node)] < NEVER]
    again_s = max((min(dues) - now).total_seconds(), 0.0) if dues else None
    return Decision(status, tuple(come), tuple(delete), tuple(take), tuple(notify), said, again_s)


def _arrivals(provisioning: Sequence[Object], now: datetime) -> tuple[list[str], list[Object]]:
    """Return the names of nodes that have come, and what is still on its way."""
    come = [each["name"] for each in provisioning if parse_rfc3339(each["readyAt"]) <= now]
    return come, [each for each in provisioning if each["name"] not in come]


def _granted(group: NodeGroup, have: int) -> tuple[int, int]:
    """Return how many nodes are made, and how many of those wanted the provider has not."""
    wanted = max(group.replicas - have, 0)
    if group.available is None:
        return wanted, 0
    granted = min(wanted, max(group.available - have, 0))
    return granted, wanted - granted


def _leaving(nodes: Sequence[Object], has_pods: Callable[[str], bool], count: int) -> list[Object]:
    """Return the nodes that go: those that are told to, then empty ones, then the newest."""
    if count <= 0:
        return []
    newest = sorted(
        nodes, key=lambda node: (node["metadata"]["creationTimestamp"], _name(node)), reverse=True
    )
    newest.sort(key=lambda node: (_goes_at(node) is None, has_pods(_name(node))))
    return newest[:count]


def _refusal(group: NodeGroup, refused: int, old: Object, status: Object, now: datetime) -> str:
    """Note in the status that nodes were refused; return what to say of it, if it is new."""
    earlier = old.get("outOfCapacity")
    count = int(old.get("outOfCapacityCount") or 0)
    status["outOfCapacityCount"] = count + (1 if refused and not earlier else 0)
    if not refused:
        return ""
    kind = group.template.instance_type
    message = f"the provider has no more than {group.available} nodes of {kind}: {refused} are missing"
    status["outOfCapacity"] = earlier or {"time": rfc3339_micro(now), "message": message}
    return "" if earlier else message


def _status(group: NodeGroup, old: Object, nodes: Sequence[Object], coming: Sequence[Object]) -> Object:
    ready = sum(is_true((node.get("status") or {}).get("conditions"), "Ready") for node in nodes)
    status: Object = {"replicas": len(nodes), "readyReplicas": ready}
    if coming:
        status["provisioning"] = list(coming)
    if old.get("conditions"):
        status["conditions"] = old["conditions"]
    if (price := group.price) is not None:
        status["price"] = {
            "usdPerHour": price.usd_per_hour,
            "date": price.date.isoformat(),
            "source": price.source,
        }
    return status


def _entry(name: str, now: datetime, ready_at: datetime) -> Object:
    return {"name": name, "requestedAt": rfc3339_micro(now), "readyAt": rfc3339_micro(ready_at)}


def _goes_at(node: Object) -> datetime | None:
    """Return when a node that is marked to go first goes whatever the target is; None if it is not marked."""
    since = (node["metadata"].get("annotations") or {}).get(LEAVES_FIRST)
    try:
        return parse_rfc3339(since) + MARKED if since else None
    except ValueError:
        return NEVER


def _name(node: Object) -> str:
    return str(node["metadata"]["name"])
