"""Guards that mend a change: peaks and the use of now are protected, and the pod keeps its class."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace

from kubelab.client import Object
from kubelab.rightsizing.change import Change, resource_list, rounded
from kubelab.rightsizing.containers import Amounts, amounts_of
from kubelab.rightsizing.guards.surroundings import Rails, Surroundings
from kubelab.rightsizing.recommendation import shown, unit_of
from kubelab.scheduling.qos import qos_class
from kubelab.usage.series import Resource

PEAK_FACTOR = 3.0
"""DevZero's guard (pages of 2026-07): a CPU peak is at most three times the request."""
_RESOURCES: tuple[Resource, ...] = ("cpu", "memory")


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


def add_nothing_in_place(change: Change, around: Surroundings, _rails: Rails) -> Change:
    """Give a running pod no request or limit that it has not: nobody could take it away again.

    Upstream: ``ValidatePodResize`` (v1.37): "resource limits cannot be removed".
    """
    if not around.in_place:
        return change
    requests = {name: amount for name, amount in change.requests.items() if name in change.group.requests}
    limits = {name: amount for name, amount in change.limits.items() if name in change.group.limits}
    left_out = [f"{name} request" for name in change.requests if name not in requests]
    left_out += [f"{name} limit" for name in change.limits if name not in limits]
    if not left_out:
        return change
    note = f"no {', no '.join(left_out)}: a running pod could not lose it again"
    return replace(change, requests=requests, limits=limits, notes=(*change.notes, note))


def keep_limits_above(change: Change, _around: Surroundings, _rails: Rails) -> Change:
    """Keep every limit at its request at least."""
    for resource in _RESOURCES:
        change = change.raised(resource, note=f"{resource} limit raised to the request")
    return change


def keep_qos(change: Change, around: Surroundings, _rails: Rails) -> Change:
    """Keep the quality of service class, which a running pod cannot change (upstream KEP-1287)."""
    pods = around.pods_of(change)
    if not pods:
        return change
    before = qos_class(pods[0]["spec"])
    if before == _class_after(change, pods[0]):
        return change
    if before == "Guaranteed":
        return _guaranteed(change)
    if before == "BestEffort":
        return replace(change, notes=(*change.notes, "the pod is no longer BestEffort"))
    for name in _RESOURCES:
        if name in change.limits and name not in change.group.limits:
            limits = {each: amount for each, amount in change.limits.items() if each != name}
            change = replace(
                change, limits=limits, notes=(*change.notes, f"no {name} limit: it stays Burstable")
            )
    return _loosened(change, pods[0])


def _guaranteed(change: Change) -> Change:
    """Return a change whose limits are its requests: no less than the highest use, as nothing is above."""
    requests = dict(change.requests)
    for name, amount in change.requests.items():
        new_limit = change.limits.get(name, 0.0)
        wanted = new_limit if new_limit != change.group.limits.get(name) else 0.0
        requests[name] = max(amount, wanted, rounded(name, change.peaks.get(name, 0.0)))
    note = "limits and requests are the same: the pod stays Guaranteed"
    return replace(change, requests=requests, limits=dict(requests), notes=(*change.notes, note))


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


def leave_to_autoscalers(change: Change, around: Surroundings, _rails: Rails) -> Change:
    """Leave alone what a HorizontalPodAutoscaler measures by: its share of a smaller request is larger."""
    key = change.group.key
    for each in around.autoscalers:
        target = each["spec"]["scaleTargetRef"]
        if each["metadata"]["namespace"] != key.namespace or (target["kind"], target["name"]) != (
            key.controller_kind,
            key.controller_name,
        ):
            continue
        measured = {_by_share(metric) for metric in each["spec"].get("metrics") or ()}
        for name in _RESOURCES:
            if name in measured and change.requests.get(name) != change.group.requests.get(name):
                change = _left(change, name, each["metadata"]["name"])
    return change


def _by_share(metric: Object) -> str:
    source = metric.get("resource") or metric.get("containerResource") or {}
    return str(source.get("name", "")) if (source.get("target") or {}).get("type") == "Utilization" else ""


def _left(change: Change, name: Resource, autoscaler: str) -> Change:
    def without(new: Amounts, old: Amounts) -> Amounts:
        kept = {each: amount for each, amount in new.items() if each != name}
        return {**kept, name: old[name]} if name in old else kept

    note = (
        f"{name} is left alone: the HorizontalPodAutoscaler {autoscaler} measures it by its request, and the "
        "two would chase each other; let it measure by AverageValue"
    )
    return replace(
        change,
        requests=without(change.requests, change.group.requests),
        limits=without(change.limits, change.group.limits),
        notes=(*change.notes, note),
    )
