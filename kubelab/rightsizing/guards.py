"""Guard rails: each a pure function that mends a change or holds it back, and says why.

Mending comes first: peaks and the use of now are protected, limits stay above requests, and the quality of
service class stays. What is then still unsafe, or not worth it, is held.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.quantities import parse_quantity
from kubelab.rightsizing.change import Change, resource_list, rounded
from kubelab.rightsizing.containers import Amounts, amounts_of
from kubelab.rightsizing.recommendation import shown, unit_of
from kubelab.rightsizing.record import records_of
from kubelab.scheduling.qos import qos_class
from kubelab.scheduling.requests import amounts, held_requests
from kubelab.usage.series import Resource

PEAK_FACTOR = 3.0
"""DevZero's guard (pages of 2026-07): a CPU peak is at most three times the request."""
_RESOURCES: tuple[Resource, ...] = ("cpu", "memory")


@dataclass(frozen=True, slots=True)
class Rails:
    """How careful to be.

    Attributes
    ----------
    min_change : float
        Changes by less than this share are not worth a restart (CAST AI's default: a tenth).
    cooldown : timedelta
        How long a container is left alone after a change.
    """

    min_change: float = 0.1
    cooldown: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a change is judged by.

    Attributes
    ----------
    pods, nodes, autoscalers, quotas : sequence of dict
        Objects of the cluster.
    targets : mapping
        The objects that changes are written to, by kind, namespace and name.
    in_place : bool
        Whether running pods are resized, rather than replaced by their workload.
    """

    now: datetime
    pods: Sequence[Object] = ()
    nodes: Sequence[Object] = ()
    autoscalers: Sequence[Object] = ()
    quotas: Sequence[Object] = ()
    targets: Mapping[tuple[str, str, str], Object] = field(default_factory=dict)
    in_place: bool = False

    def pods_of(self, change: Change) -> list[Object]:
        """Return the pods that a change is for."""
        key, names = change.group.key, set(change.group.pods)
        return [
            pod
            for pod in self.pods
            if pod["metadata"]["namespace"] == key.namespace and pod["metadata"]["name"] in names
        ]


Guard = Callable[[Change, Surroundings, Rails], Change]


def guarded(change: Change, around: Surroundings, rails: Rails) -> Change:
    """Return a change as it may be made, with what was mended, or with why it is held."""
    for guard in GUARDS:
        change = guard(change, around, rails)
    return change


def protect_peaks(change: Change, _around: Surroundings, _rails: Rails) -> Change:
    """Keep memory limits above what was used at most, and CPU requests above a third of it."""
    for resource, peak in change.peaks.items():
        said = f"the highest use was {shown(peak, unit_of(resource))}"
        if resource == "memory":
            change = change.raised("memory", limit=rounded("memory", peak), note=f"memory limit kept: {said}")
        else:
            least = rounded("cpu", peak / PEAK_FACTOR)
            change = change.raised("cpu", request=least, note=f"cpu raised to a third of its peak: {said}")
    return change


def protect_current_use(change: Change, _around: Surroundings, _rails: Rails) -> Change:
    """Never ask for less than what is used now."""
    for resource, used in change.latest.items():
        note = f"{resource} raised to what is used now, {shown(used, unit_of(resource))}"
        change = change.raised(resource, request=rounded(resource, used), note=note)
    return change


def keep_limits_above(change: Change, _around: Surroundings, _rails: Rails) -> Change:
    """Keep every limit at its request at least."""
    for resource in _RESOURCES:
        change = change.raised(resource, note=f"{resource} limit raised to the request")
    return change


def keep_unlimited(change: Change, around: Surroundings, _rails: Rails) -> Change:
    """Give a running pod no limit that it lacks: the API server would not let it be taken away again."""
    new = change.limits.keys() - change.group.limits.keys()
    if not around.in_place or not new:
        return change
    limits = {name: amount for name, amount in change.limits.items() if name not in new}
    note = f"no {' and '.join(sorted(new))} limit: a running pod could not lose it again"
    return replace(change, limits=limits, notes=(*change.notes, note))


def keep_qos(change: Change, around: Surroundings, _rails: Rails) -> Change:
    """Keep the quality of service class, which a running pod cannot change (upstream KEP-1287)."""
    pods = around.pods_of(change)
    if not pods:
        return change
    before = qos_class(pods[0]["spec"])
    if before == _class_after(change, pods[0]):
        return change
    if before == "Guaranteed":
        note = "limits follow the requests: the pod stays Guaranteed"
        return replace(change, limits=dict(change.requests), notes=(*change.notes, note))
    if before == "BestEffort":
        if around.in_place:
            return change.hold("the pod is BestEffort, and one with requests is not; change its workload")
        return replace(change, notes=(*change.notes, "the pod is no longer BestEffort"))
    for name in _RESOURCES:
        if name in change.limits and name not in change.group.limits:
            limits = {each: amount for each, amount in change.limits.items() if each != name}
            change = replace(
                change, limits=limits, notes=(*change.notes, f"no {name} limit: it stays Burstable")
            )
    return _loosened(change, pods[0])


def _loosened(change: Change, pod: Object) -> Change:
    """Return a change with its old limits, a tenth above requests at least, if else it were Guaranteed."""
    if _class_after(change, pod) == "Burstable":
        return change
    limits = {
        name: max(change.group.limits.get(name, 0.0), rounded(name, change.requests[name] * 1.1))
        for name in change.limits
    }
    return replace(
        change, limits=limits, notes=(*change.notes, "limits stay above requests: it stays Burstable")
    )


def _class_after(change: Change, pod: Object) -> str:
    spec = copy.deepcopy(pod["spec"])
    for container in spec["containers"]:
        if container["name"] == change.group.key.container:
            resources = container.get("resources") or {}
            container["resources"] = {
                "requests": {**(resources.get("requests") or {}), **resource_list(change.requests)},
                "limits": {**_others(resources.get("limits")), **resource_list(change.limits)},
            }
        for part, amounts_there in (container.get("resources") or {}).items():
            if part in {"requests", "limits"}:
                canonical = resource_list(amounts_of(amounts_there))
                container["resources"][part] = {**amounts_there, **canonical}
    return qos_class(spec)


def _others(given: Mapping[str, str] | None) -> dict[str, str]:
    return {name: value for name, value in (given or {}).items() if name not in _RESOURCES}


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


GUARDS: tuple[Guard, ...] = (
    protect_peaks,
    protect_current_use,
    keep_limits_above,
    keep_unlimited,
    keep_qos,
    hold_for_autoscalers,
    hold_for_quotas,
    hold_for_nodes,
    hold_small,
    hold_cooling,
)
