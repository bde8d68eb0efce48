"""Guards that hold a change: what is unsafe where it is, or not worth it now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubelab.client import Object
from kubelab.quantities import parse_quantity
from kubelab.rightsizing.change import Change
from kubelab.rightsizing.containers import Amounts
from kubelab.rightsizing.guards.surroundings import Rails, Surroundings
from kubelab.rightsizing.record import records_of
from kubelab.scheduling.requests import amounts, held_requests
from kubelab.usage.series import Resource

_RESOURCES: tuple[Resource, ...] = ("cpu", "memory")


def hold_for_autoscalers(change: Change, around: Surroundings, _rails: Rails) -> Change:
    """Hold what a HorizontalPodAutoscaler measures by: its share of a smaller request is larger."""
    key = change.group.key
    for each in around.autoscalers:
        target = each["spec"]["scaleTargetRef"]
        if each["metadata"]["namespace"] != key.namespace or (target["kind"], target["name"]) != (
            key.controller_kind,
            key.controller_name,
        ):
            continue
        measured = {name for metric in each["spec"].get("metrics") or () if (name := _by_share(metric))}
        for name in sorted(measured & {name for name in _RESOURCES if _moves(change, name)}):
            change = change.hold(
                f"the HorizontalPodAutoscaler {each['metadata']['name']} measures {name} by its request, so "
                "that the two would chase each other; let it measure by AverageValue"
            )
    return change


def _by_share(metric: Object) -> str:
    source = metric.get("resource") or metric.get("containerResource") or {}
    return str(source.get("name", "")) if (source.get("target") or {}).get("type") == "Utilization" else ""


def _moves(change: Change, name: Resource) -> bool:
    return change.requests.get(name) != change.group.requests.get(name)


def hold_for_quotas(change: Change, around: Surroundings, _rails: Rails) -> Change:
    """Hold what a ResourceQuota of the namespace has no room for."""
    pods = len(change.group.pods)
    more = {
        **_grown("requests.", change.group.requests, change.requests, pods),
        **_grown("", change.group.requests, change.requests, pods),
        **_grown("limits.", change.group.limits, change.limits, pods),
    }
    for quota in around.quotas:
        if quota["metadata"]["namespace"] != change.group.key.namespace:
            continue
        status = quota.get("status") or {}
        for name, hard in (status.get("hard") or {}).items():
            used = (status.get("used") or {}).get(name, "0")
            left = float(parse_quantity(hard) - parse_quantity(used))
            if more.get(name, 0.0) > left + 1e-9:
                which = quota["metadata"]["name"]
                change = change.hold(
                    f"the quota {which} has too little left of {name}: {used} of {hard} is used"
                )
    return change


def _grown(prefix: str, before: Amounts, after: Amounts, pods: int) -> dict[str, float]:
    return {f"{prefix}{name}": (after.get(name, 0.0) - before.get(name, 0.0)) * pods for name in _RESOURCES}


def hold_for_nodes(change: Change, around: Surroundings, _rails: Rails) -> Change:
    """Hold what a node has no room for: a pod that grows in place must fit where it is.

    A replaced pod can go elsewhere, but has to fit some node.
    """
    grown = _grown("", change.group.requests, change.requests, 1)
    if not any(more > 0 for more in grown.values()):
        return change
    rooms = {node["metadata"]["name"]: _room(node, around.pods) for node in around.nodes}
    if around.in_place:
        tight = sorted(
            {name for name in change.group.nodes if name in rooms and not _fits(grown, rooms[name])}
        )
        if tight:
            return change.hold(f"no room on {', '.join(tight)} for a pod that grows in place")
    elif rooms and not any(_fits(change.requests, _whole(node)) for node in around.nodes):
        return change.hold("no node is large enough")
    return change


def _room(node: Object, pods: Sequence[Object]) -> dict[str, float]:
    left = _whole(node)
    for pod in pods:
        phase = (pod.get("status") or {}).get("phase")
        if pod["spec"].get("nodeName") == node["metadata"]["name"] and phase not in {"Succeeded", "Failed"}:
            held = held_requests(pod)
            left["cpu"] -= held.get("cpu", 0) / 1000
            left["memory"] -= held.get("memory", 0)
    return left


def _whole(node: Object) -> dict[str, float]:
    has = amounts((node.get("status") or {}).get("allocatable"))
    return {"cpu": has.get("cpu", 0) / 1000, "memory": float(has.get("memory", 0))}


def _fits(wanted: Mapping[str, float] | Amounts, room: Mapping[str, float]) -> bool:
    return all(amount <= max(room.get(name, 0.0), 0.0) + 1e-9 for name, amount in wanted.items())


def hold_small(change: Change, _around: Surroundings, rails: Rails) -> Change:
    """Hold what changes too little to be worth it."""
    step = change.largest_step()
    if step < rails.min_change or step == 0:
        return change.hold(f"the change of {step:.1%} is below the minimum of {rails.min_change:.0%}")
    return change


def hold_cooling(change: Change, around: Surroundings, rails: Rails) -> Change:
    """Hold what was changed a moment ago."""
    key = change.group.key
    targets = [around.targets.get((key.controller_kind, key.namespace, key.controller_name))]
    if around.in_place or targets == [None]:
        targets = list(around.pods_of(change))
    times = [
        record.at
        for target in targets
        if target is not None
        for name, record in records_of(target).items()
        if name == key.container
    ]
    if times and (since := around.now - max(times)) < rails.cooldown:
        minutes, whole = since.total_seconds() / 60, rails.cooldown.total_seconds() / 60
        return change.hold(f"changed {minutes:.0f} minutes ago; the cooldown is {whole:.0f} minutes")
    return change
