"""From the spec's metrics to what each asks for, by ``metrics.k8s.io`` and the pods' requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.engine.controllers.autoscaling.decision import Reading
from kubelab.engine.controllers.autoscaling.replicas import (
    MetricError,
    PodMetric,
    Proposal,
    Scale,
    Tolerance,
    by_average,
    by_utilization,
    group,
)
from kubelab.quantities import Quantity, canonical, cpu_millicores, whole

_CUSTOM = (
    "unable to fetch metrics from custom metrics API: "
    "no custom metrics API (custom.metrics.k8s.io) registered"
)
_EXTERNAL = (
    "unable to fetch metrics from external metrics API: "
    "the server could not find the requested resource (external.metrics.k8s.io)"
)
_NOT_SERVED = {"Pods": _CUSTOM, "Object": _CUSTOM, "External": _EXTERNAL}


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of a target: its pods, their metrics as served, and its replicas."""

    pods: Sequence[Object]
    metrics: Sequence[Object]
    current: int
    now: datetime


def read(spec: Object, observed: Observed) -> list[Reading]:
    """Return what each metric of a spec asks for."""
    tolerance = _tolerance(spec.get("behavior") or {})
    return [_read(metric, observed, tolerance) for metric in _metrics(spec)]


def _metrics(spec: Object) -> list[Object]:
    target = {"type": "Utilization", "averageUtilization": 80}
    default: Object = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    return spec.get("metrics") or [default]


def _read(metric: Object, observed: Observed, tolerance: Tolerance) -> Reading:
    type_ = metric["type"]
    if type_ in _NOT_SERVED:
        source = metric[type_.lower()]
        told = f"unable to get metric {source['metric']['name']}: {_NOT_SERVED[type_]}"
        return Reading(type_, error=MetricError(told, f"FailedGet{type_}Metric"))
    inside = type_ == "ContainerResource"
    source = metric["containerResource" if inside else "resource"]
    target, resource = source["target"], source["name"]
    name = f"{resource} container resource" if inside else f"{resource} resource"
    container = source["container"] if inside else ""
    try:
        proposal = _propose(target, resource, container, observed, tolerance)
    except MetricError as error:
        what = f"{resource} utilization" if target["type"] == "Utilization" else f"{resource} usage"
        problem = MetricError(f"failed to get {what}: {error}", f"FailedGet{type_}Metric")
        return Reading(name, error=problem)
    if proposal.utilization is not None:
        name += " utilization (percentage of request)"
    return Reading(name, proposal.replicas, _status(metric, resource, container, proposal))


def _propose(
    target: Object, resource: str, container: str, observed: Observed, tolerance: Tolerance
) -> Proposal:
    metrics = pod_metrics(observed.metrics, resource, container)
    if not metrics:
        problem = "no metrics returned from resource metrics API"
        raise MetricError(f"unable to get metrics for resource {resource}: {problem}")
    groups = group(observed.pods, metrics, resource, observed.now)
    if target["type"] == "Utilization":
        requests = pod_requests(observed.pods, resource, container)
        percent = target["averageUtilization"]
        return by_utilization(groups, metrics, requests, percent, Scale(observed.current, tolerance))
    value = _amount(resource, target["averageValue"])
    return by_average(groups, metrics, value, Scale(observed.current, tolerance))


def pod_metrics(metrics: Iterable[Object], resource: str, container: str) -> Mapping[str, PodMetric]:
    """Return pods' usage of a resource, of all containers or of one."""
    found = {}
    for each in metrics:
        name = each["metadata"]["name"]
        amounts = {
            one["name"]: _amount(resource, one["usage"][resource])
            for one in each["containers"]
            if resource in one["usage"]
        }
        if container and container not in amounts:
            namespace = each["metadata"].get("namespace", "")
            raise MetricError(f"container {container} not present in metrics for pod {namespace}/{name}")
        value = amounts[container] if container else sum(amounts.values())
        window_s = float(each.get("window", "0s").removesuffix("s"))
        if amounts:
            found[name] = PodMetric(value, parse_rfc3339(each["timestamp"]), window_s)
    return found


def pod_requests(pods: Iterable[Object], resource: str, container: str) -> Mapping[str, int]:
    """Return what each pod asks for of a resource."""
    found = {}
    for pod in pods:
        spec, name = pod["spec"], pod["metadata"]["name"]
        inits = [each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
        total = 0
        for each in (*spec["containers"], *inits):
            if container and each["name"] != container:
                continue
            request = ((each.get("resources") or {}).get("requests") or {}).get(resource)
            if request is None:
                raise MetricError(f"missing request for {resource} in container {each['name']} of Pod {name}")
            total += _amount(resource, request)
        found[name] = total
    return found


def _amount(resource: str, quantity: Quantity) -> int:
    return cpu_millicores(quantity) if resource == "cpu" else whole(quantity)


def _status(metric: Object, resource: str, container: str, proposal: Proposal) -> Object:
    average = f"{proposal.average}m" if resource == "cpu" else str(proposal.average)
    current: Object = {"averageValue": canonical(average)}
    if proposal.utilization is not None:
        current["averageUtilization"] = proposal.utilization
    part = "containerResource" if container else "resource"
    named = {"container": container} if container else {}
    return {"type": metric["type"], part: {"name": resource, **named, "current": current}}


def _tolerance(behavior: Object) -> Tolerance:
    default = Tolerance()
    given = {key: (behavior.get(key) or {}).get("tolerance") for key in ("scaleUp", "scaleDown")}
    up, down = (None if each is None else cpu_millicores(each) / 1000 for each in given.values())
    return Tolerance(default.up if up is None else up, default.down if down is None else down)
