"""How nodes, namespaces, events, accounts, bindings, budgets, quotas, priorities and leases are shown."""

from __future__ import annotations

from datetime import datetime

from kubelab.client import Object
from kubelab.engine.apiserver.printers.columns import (
    AGE,
    CREATED_AT,
    NAME,
    NONE,
    UNKNOWN,
    Cell,
    Column,
    Printer,
    age,
    columns,
    condition,
    integer,
    joined,
    name_of,
    section,
    since,
    text,
    wide,
)

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"


def _node(obj: Object, now: datetime) -> list[Cell]:
    info = section(obj, "status").get("nodeInfo") or {}
    return [
        name_of(obj),
        _node_status(obj),
        joined(_roles(obj["metadata"].get("labels") or {})) or NONE,
        age(obj, now),
        text(info.get("kubeletVersion")),
        _node_address(obj, "InternalIP"),
        _node_address(obj, "ExternalIP"),
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _node_status(node: Object) -> str:
    ready = condition(node, "Ready").get("status")
    status = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    return status + (",SchedulingDisabled" if section(node, "spec").get("unschedulable") else "")


def _roles(labels: Object) -> list[str]:
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)}
    return sorted((roles | {labels.get(_ROLE_LABEL, "")}) - {""})


def _node_address(node: Object, type: str) -> str:
    addresses = section(node, "status").get("addresses") or []
    return next((found["address"] for found in addresses if found.get("type") == type), NONE)


def _namespace(obj: Object, now: datetime) -> list[Cell]:
    return [name_of(obj), section(obj, "status").get("phase", ""), age(obj, now)]


def _event(obj: Object, now: datetime) -> list[Cell]:
    """Show a core event; one of events.k8s.io has other names for the same fields."""
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    series = obj.get("series") or {}
    first = since(
        obj.get("firstTimestamp") or obj.get("deprecatedFirstTimestamp") or obj.get("eventTime"), now
    )
    last_time = obj.get("lastTimestamp") or obj.get("deprecatedLastTimestamp")
    last = since(last_time, now) if last_time else first
    reporter = obj.get("reportingComponent") or obj.get("reportingController")
    kind = about.get("kind", "").lower()
    return [
        since(series.get("lastObservedTime"), now) if series else last,
        text(obj.get("type")),
        text(obj.get("reason")),
        f"{kind}/{about['name']}" if about.get("name") else kind,
        text(about.get("fieldPath")),
        joined(filter(None, [source.get("component") or reporter, _host(obj, source)]), ", "),
        text(obj.get("message") or obj.get("note")).strip(),
        first,
        series.get("count") or obj.get("count") or obj.get("deprecatedCount") or 1,
        name_of(obj),
    ]


def _host(event: Object, source: Object) -> str:
    return source.get("host") or event.get("reportingInstance") or ""


def _service_account(obj: Object, now: datetime) -> list[Cell]:
    return [name_of(obj), age(obj, now)]


def _definition(obj: Object, _now: datetime) -> list[Cell]:
    """Show a CustomResourceDefinition (upstream: apiextensions-apiserver's ``tableconvertor``)."""
    spec = section(obj, "spec")
    names, versions = spec.get("names") or {}, spec.get("versions") or []
    served = [
        each["name"] + "(storage)" * bool(each.get("storage")) for each in versions if each.get("served")
    ]
    return [
        name_of(obj),
        text(spec.get("scope")),
        joined(sorted(served)),
        text(obj["metadata"].get("creationTimestamp")),
        text(spec.get("group")),
        text(names.get("kind")),
        joined(names.get("shortNames") or []),
        condition(obj, "Established").get("status") == "True",
    ]


def _binding(obj: Object, now: datetime) -> list[Cell]:
    role = obj.get("roleRef") or {}
    subjects = obj.get("subjects") or []

    def named(kind: str) -> str:
        return joined((subject["name"] for subject in subjects if subject.get("kind") == kind), ", ")

    accounts = [
        f"{subject.get('namespace', '')}/{subject['name']}"
        for subject in subjects
        if subject.get("kind") == "ServiceAccount"
    ]
    return [
        name_of(obj),
        f"{role.get('kind')}/{role.get('name')}",
        age(obj, now),
        named("User"),
        named("Group"),
        joined(accounts, ", "),
    ]


def _disruption_budget(obj: Object, now: datetime) -> list[Cell]:
    spec = section(obj, "spec")
    return [
        name_of(obj),
        text(spec.get("minAvailable"), "N/A"),
        text(spec.get("maxUnavailable"), "N/A"),
        section(obj, "status").get("disruptionsAllowed", 0),
        age(obj, now),
    ]


def _quota(obj: Object, now: datetime) -> list[Cell]:
    status = section(obj, "status")
    used = status.get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for resource, hard in sorted((status.get("hard") or {}).items()):
        shown = limits if resource.startswith("limits.") else requests
        shown.append(f"{resource}: {used.get(resource, 0)}/{hard}")
    return [name_of(obj), joined(requests, ", "), joined(limits, ", "), age(obj, now)]


def _priority_class(obj: Object, now: datetime) -> list[Cell]:
    policy = text(obj.get("preemptionPolicy"))
    return [name_of(obj), obj.get("value", 0), bool(obj.get("globalDefault")), age(obj, now), policy]


def _api_service(obj: Object, now: datetime) -> list[Cell]:
    service = section(obj, "spec").get("service")
    conditions = section(obj, "status").get("conditions") or []
    available: Object = next((each for each in conditions if each["type"] == "Available"), {})
    status, reason = str(available.get("status", "Unknown")), available.get("reason")
    told = f"{status} ({reason})" if status != "True" and reason else status
    where = f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"
    return [name_of(obj), where, told, age(obj, now)]


def _runtime_class(obj: Object, now: datetime) -> list[Cell]:
    return [name_of(obj), text(obj.get("handler")), age(obj, now)]


def _lease(obj: Object, now: datetime) -> list[Cell]:
    return [name_of(obj), text(section(obj, "spec").get("holderIdentity")), age(obj, now)]


_BINDING = Printer(columns("Role", AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts")), _binding)
_EVENT = Printer(
    (
        *map(Column, ("Last Seen", "Type", "Reason", "Object")),
        wide("Subobject"),
        wide("Source"),
        Column("Message"),
        wide("First Seen"),
        wide("Count"),
        Column(NAME.name, format=NAME.format, priority=1, description=NAME.description),
    ),
    _event,
)

CLUSTER: dict[tuple[str, str], Printer] = {
    ("", "Node"): Printer(
        columns(
            "Status",
            "Roles",
            AGE,
            "Version",
            *map(wide, ("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime")),
        ),
        _node,
    ),
    ("", "Namespace"): Printer(columns("Status", AGE), _namespace),
    ("", "Event"): _EVENT,
    ("events.k8s.io", "Event"): _EVENT,
    ("", "ServiceAccount"): Printer(columns(AGE), _service_account),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): Printer(
        columns(
            "Scope",
            "Versions",
            CREATED_AT,
            *map(wide, ("Group", "Kind", "ShortNames")),
            Column("Established", "boolean", priority=1),
        ),
        _definition,
    ),
    ("", "ResourceQuota"): Printer(columns("Request", "Limit", AGE), _quota),
    ("rbac.authorization.k8s.io", "RoleBinding"): _BINDING,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _BINDING,
    ("policy", "PodDisruptionBudget"): Printer(
        columns("Min Available", "Max Unavailable", integer("Allowed Disruptions"), AGE), _disruption_budget
    ),
    ("scheduling.k8s.io", "PriorityClass"): Printer(
        columns(integer("Value"), Column("Global-Default", "boolean"), AGE, "PreemptionPolicy"),
        _priority_class,
    ),
    ("apiregistration.k8s.io", "APIService"): Printer(columns("Service", "Available", AGE), _api_service),
    ("node.k8s.io", "RuntimeClass"): Printer(columns("Handler", AGE), _runtime_class),
    ("coordination.k8s.io", "Lease"): Printer(columns("Holder", AGE), _lease),
}
