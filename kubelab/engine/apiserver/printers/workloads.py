"""How the controllers of pods are shown, from Deployments to Jobs, and autoscalers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.engine.apiserver.printers.columns import (
    AGE,
    CONTAINERS,
    NONE,
    SELECTOR,
    UNKNOWN,
    UNSET,
    Cell,
    Column,
    Printer,
    age,
    columns,
    condition,
    containers_text,
    human_duration,
    integer,
    joined,
    labels_text,
    name_of,
    section,
    selector_text,
    since,
    template_spec,
    text,
)


def _deployment(obj: Object, now: datetime) -> list[Cell]:
    spec, status = section(obj, "spec"), section(obj, "status")
    return [
        name_of(obj),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age(obj, now),
        *containers_text(template_spec(obj)),
        selector_text(spec.get("selector")),
    ]


def _replica_set(obj: Object, now: datetime) -> list[Cell]:
    selector = section(obj, "spec").get("selector")
    return [*_replicas(obj, now), selector_text(selector)]


def _replication_controller(obj: Object, now: datetime) -> list[Cell]:
    return [*_replicas(obj, now), labels_text(section(obj, "spec").get("selector"))]


def _replicas(obj: Object, now: datetime) -> list[Cell]:
    status = section(obj, "status")
    return [
        name_of(obj),
        section(obj, "spec").get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age(obj, now),
        *containers_text(template_spec(obj)),
    ]


def _stateful_set(obj: Object, now: datetime) -> list[Cell]:
    ready = section(obj, "status").get("readyReplicas", 0)
    wanted = section(obj, "spec").get("replicas", 0)
    return [name_of(obj), f"{ready}/{wanted}", age(obj, now), *containers_text(template_spec(obj))]


def _daemon_set(obj: Object, now: datetime) -> list[Cell]:
    status = section(obj, "status")
    return [
        name_of(obj),
        status.get("desiredNumberScheduled", 0),
        status.get("currentNumberScheduled", 0),
        status.get("numberReady", 0),
        status.get("updatedNumberScheduled", 0),
        status.get("numberAvailable", 0),
        labels_text(template_spec(obj).get("nodeSelector")),
        age(obj, now),
        *containers_text(template_spec(obj)),
        selector_text(section(obj, "spec").get("selector")),
    ]


def _controller_revision(obj: Object, now: datetime) -> list[Cell]:
    owners = obj["metadata"].get("ownerReferences") or []
    owner = next((owner for owner in owners if owner.get("controller")), None)
    controller = NONE
    if owner is not None:
        group = owner["apiVersion"].rpartition("/")[0]
        controller = f"{owner['kind']}{f'.{group}' if group else ''}".lower() + f"/{owner['name']}"
    return [name_of(obj), controller, str(obj.get("revision", 0)), age(obj, now)]


def _job(obj: Object, now: datetime) -> list[Cell]:
    return [
        name_of(obj),
        _job_status(obj),
        _completions(obj),
        _job_duration(section(obj, "status"), now),
        age(obj, now),
        *containers_text(template_spec(obj)),
        selector_text(section(obj, "spec").get("selector")),
    ]


def _job_status(job: Object) -> str:
    if condition(job, "Complete").get("status") == "True":
        return "Complete"
    if condition(job, "Failed").get("status") == "True":
        return "Failed"
    if job["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for state in ("Suspended", "FailureTarget"):
        if condition(job, state).get("status") == "True":
            return state
    return "Running"


def _completions(job: Object) -> str:
    spec, succeeded = section(job, "spec"), section(job, "status").get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _job_duration(status: Object, now: datetime) -> str:
    if not status.get("startTime"):
        return ""
    end = parse_rfc3339(status["completionTime"]) if status.get("completionTime") else now
    return human_duration(end - parse_rfc3339(status["startTime"]))


def _cron_job(obj: Object, now: datetime) -> list[Cell]:
    spec, status = section(obj, "spec"), section(obj, "status")
    job_spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    last = status.get("lastScheduleTime")
    return [
        name_of(obj),
        text(spec.get("schedule")),
        text(spec.get("timeZone"), NONE),
        "<unset>" if spec.get("suspend") is None else str(spec["suspend"]),
        len(status.get("active") or []),
        since(last, now) if last else NONE,
        age(obj, now),
        *containers_text((job_spec.get("template") or {}).get("spec")),
        selector_text(job_spec.get("selector")),
    ]


def _autoscaler(obj: Object, now: datetime) -> list[Cell]:
    spec = section(obj, "spec")
    target = spec.get("scaleTargetRef") or {}
    return [
        name_of(obj),
        f"{target.get('kind')}/{target.get('name')}",
        _metrics(spec, section(obj, "status")),
        text(spec.get("minReplicas"), UNSET),
        text(spec.get("maxReplicas")),
        text(section(obj, "status").get("currentReplicas", 0)),
        age(obj, now),
    ]


def _metrics(spec: Object, status: Object) -> str:
    """Return targets as ``cpu: 20%/80%``; autoscaling/v1 has a field of its own for the only one it knows."""
    if "targetCPUUtilizationPercentage" in spec:
        now = status.get("currentCPUUtilizationPercentage")
        return f"cpu: {UNKNOWN if now is None else f'{now}%'}/{spec['targetCPUUtilizationPercentage']}%"
    metrics, current = spec.get("metrics") or [], status.get("currentMetrics") or []
    shown = [
        _metric(metric, current[place] if place < len(current) else {})
        for place, metric in enumerate(metrics)
    ]
    extra = f" + {len(shown) - 2} more..." if len(shown) > 2 else ""
    return joined(shown[:2], ", ") + extra if shown else NONE


def _metric(metric: Object, status: Object) -> str:
    source = {
        "Resource": "resource",
        "ContainerResource": "containerResource",
        "Pods": "pods",
        "Object": "object",
        "External": "external",
    }.get(metric.get("type", ""))
    if source is None:
        return "<unknown type>"
    target = (metric.get(source) or {}).get("target") or {}
    now = (status.get(source) or {}).get("current") or {}
    if source in ("resource", "containerResource"):
        return f"{metric[source].get('name')}: {_resource_use(target, now)}"
    average = target.get("averageValue") is not None
    field = "averageValue" if average else "value"
    suffix = " (avg)" if average and source != "pods" else ""
    return f"{text(now.get(field), UNKNOWN)}/{text(target.get(field))}{suffix}"


def _resource_use(target: Object, now: Object) -> str:
    if target.get("averageValue") is not None:
        return f"{text(now.get('averageValue'), UNKNOWN)}/{target['averageValue']}"

    def percent(value: Any, default: str) -> str:
        return default if value is None else f"{value}%"

    current, wanted = now.get("averageUtilization"), target.get("averageUtilization")
    return f"{percent(current, UNKNOWN)}/{percent(wanted, '<auto>')}"


_REPLICAS = columns(integer("Desired"), integer("Current"), integer("Ready"), AGE, *CONTAINERS, SELECTOR)

WORKLOADS: dict[tuple[str, str], Printer] = {
    ("", "ReplicationController"): Printer(_REPLICAS, _replication_controller),
    ("apps", "ReplicaSet"): Printer(_REPLICAS, _replica_set),
    ("apps", "Deployment"): Printer(
        columns("Ready", "Up-to-date", "Available", AGE, *CONTAINERS, SELECTOR), _deployment
    ),
    ("apps", "StatefulSet"): Printer(columns("Ready", AGE, *CONTAINERS), _stateful_set),
    ("apps", "DaemonSet"): Printer(
        columns(
            *map(integer, ("Desired", "Current", "Ready", "Up-to-date", "Available")),
            "Node Selector",
            AGE,
            *CONTAINERS,
            SELECTOR,
        ),
        _daemon_set,
    ),
    ("apps", "ControllerRevision"): Printer(columns("Controller", "Revision", AGE), _controller_revision),
    ("batch", "Job"): Printer(columns("Status", "Completions", "Duration", AGE, *CONTAINERS, SELECTOR), _job),
    ("batch", "CronJob"): Printer(
        columns(
            "Schedule",
            "Timezone",
            Column("Suspend", "boolean"),
            integer("Active"),
            "Last Schedule",
            AGE,
            *CONTAINERS,
            SELECTOR,
        ),
        _cron_job,
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): Printer(
        columns("Reference", "Targets", "MinPods", "MaxPods", "Replicas", AGE), _autoscaler
    ),
}
