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


def hold_for_quotas(change: Change, around: Surroundings, _rails: Rails) -> Change:
    """Hold what a ResourceQuota of the namespace has no room for."""
    more = change.growth()
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


def hold_for_nodes(change: Change, around: Surroundings, _rails: Rails) -> Change:
    """Hold what a node has no room for: a pod that grows in place must fit where it is.

    A replaced pod can go elsewhere, but has to fit some node.
    """
    pods = len(change.group.pods)
    grown = {name: change.growth().get(name, 0.0) / pods for name in _RESOURCES}
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


def hold_for_vertical_autoscalers(change: Change, around: Surroundings, _rails: Rails) -> Change:
    """Hold what a VerticalPodAutoscaler changes by itself: it would change it again."""
    key = change.group.key
    for each in around.vertical_autoscalers:
        spec = each.get("spec") or {}
        target, mode = spec.get("targetRef") or {}, (spec.get("updatePolicy") or {}).get("updateMode")
        is_its = (each["metadata"]["namespace"], target.get("kind"), target.get("name")) == (
            key.namespace,
            key.controller_kind,
            key.controller_name,
        )
        if is_its and mode != "Off":
            which = each["metadata"]["name"]
            change = change.hold(
                f"the VerticalPodAutoscaler {which} sizes it; set its updateMode to Off first"
            )
    return change


def hold_on_little(change: Change, around: Surroundings, rails: Rails) -> Change:
    """Hold what lowers a request or limit on too little evidence, or on what is no longer true."""
    if change.seen is None or not change.lowers():
        return change
    known_s, age_s = change.seen[1] - change.seen[0], around.now.timestamp() - change.seen[1]
    if age_s > rails.most_age.total_seconds():
        return change.hold(f"its use was last seen {age_s / 60:.0f} minutes ago; nothing is lowered on that")
    if known_s < rails.least_history.total_seconds():
        least = rails.least_history.total_seconds() / 60
        known = f"{known_s / 60:.0f} minutes of use are known"
        return change.hold(f"{known}; nothing is lowered on less than {least:.0f}")
    return change


def hold_small(change: Change, _around: Surroundings, rails: Rails) -> Change:
    """Hold what changes too little to be worth it."""
    step = change.largest_step()
    if step == 0:
        return change.hold("; ".join(change.notes) or "it asks for what it should")
    if step < rails.min_change:
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
