"""What a write may touch: status only through its subresource, and what each kind starts with.

As the ``PrepareForCreate`` and ``PrepareForUpdate`` of upstream's ``pkg/registry/*/strategy.go``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from kubelab.client import Object
from kubelab.engine.apiserver.kinds import Kind
from kubelab.scheduling.qos import qos_class

_STATUS_KEPT_ON_CREATE = frozenset({"Node", "Event"})
_UNCONDITIONAL_REFUSED = frozenset(
    {"Lease", "EndpointSlice", "CSINode", "VolumeAttachment", "PodDisruptionBudget"}
)

_KEPT_BY_STATUS = {"Deployment": ("labels",), "Pod": ("ownerReferences",)}
"""What of the metadata an update of the status leaves alone."""

_CONTAINERS = ("containers", "initContainers")

_CREATED_BY_UPDATE = frozenset(
    {
        *("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "RuntimeClass"),
        *("Lease", "LeaseCandidate", "Endpoints", "Event", "LimitRange", "Service"),
    }
)


def allows_unconditional_update(kind: Kind) -> bool:
    """Tell whether an update may leave out the resource version (``AllowUnconditionalUpdate``)."""
    return kind.custom is None and kind.resource.kind not in _UNCONDITIONAL_REFUSED


def allows_create_on_update(kind: Kind) -> bool:
    """Tell whether an update of what does not exist creates it (``AllowCreateOnUpdate``)."""
    return kind.custom is None and kind.resource.kind in _CREATED_BY_UPDATE


def prepare_create(kind: Kind, obj: Object) -> None:
    """Drop a status that the client may not set, and fill in what the kind starts with."""
    name = kind.resource.kind
    if "status" in kind.subresources and name not in _STATUS_KEPT_ON_CREATE:
        obj.pop("status", None)
    if kind.custom is None and name in _STARTS:
        _STARTS[name](obj)


def prepare_update(kind: Kind, new: Object, old: Object, subresource: str) -> None:
    """Restore in ``new`` what this endpoint may not change."""
    if subresource == "status":
        _only_status(kind, new, old)
    elif "status" in kind.subresources:
        _restore(new, old, "status")
    if subresource == "resize":
        _only_resources(new, old)
    if kind.custom is None:
        if kind.resource.kind in _ZEROS:
            new["status"] = {**_ZEROS[kind.resource.kind], **(new.get("status") or {})}
        if kind.resource.kind == "Pod":
            _keep_qos_class(new, old)
        elif kind.resource.kind == "DaemonSet":
            _count_templates(new, old)
        elif kind.resource.kind == "Secret":
            _encode_string_data(new)
        elif kind.resource.kind == "Namespace" and subresource != "finalize":
            spec = new.setdefault("spec", {})
            _restore(spec, old.get("spec") or {}, "finalizers")


def _only_resources(new: Object, old: Object) -> None:
    """Keep of a resize what it is for, unless containers are not those they were: that is for validation."""
    for key in ("labels", "annotations", "ownerReferences", "finalizers"):
        _restore(new["metadata"], old["metadata"], key)
    spec, before = new.get("spec") or {}, old["spec"]
    if any(len(spec.get(field) or ()) != len(before.get(field) or ()) for field in _CONTAINERS):
        return
    kept = {key: value for key, value in before.items() if key not in _CONTAINERS}
    for field in _CONTAINERS:
        if spec.get(field):
            kept[field] = _resized(spec[field], before[field])
    if resources := spec.get("resources") or before.get("resources"):
        kept["resources"] = resources
    new["spec"] = kept


def _resized(containers: list[Object], before: list[Object]) -> list[Object]:
    resized = []
    for container, old in zip(containers, before, strict=True):
        if container.get("name") != old["name"]:
            return containers
        resized.append(dict(old))
        for key in ("resources", "resizePolicy"):
            _restore(resized[-1], container, key)
    return resized


def _only_status(kind: Kind, new: Object, old: Object) -> None:
    for key in {*new, *old} - {"metadata", "status"}:
        _restore(new, old, key)
    if kind.custom is not None:
        managed = new["metadata"].get("managedFields")
        new["metadata"] = dict(old["metadata"])
        if managed is not None:
            new["metadata"]["managedFields"] = managed
    else:
        for key in _KEPT_BY_STATUS.get(kind.resource.kind, ()):
            _restore(new["metadata"], old["metadata"], key)


def _restore(new: Object, old: Object, key: str) -> None:
    if key in old:
        new[key] = old[key]
    else:
        new.pop(key, None)


def _start_pod(pod: Object) -> None:
    pod["status"] = {"phase": "Pending", "qosClass": qos_class(pod["spec"])}
    if pod["spec"].get("schedulingGates"):
        pod["status"]["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
                "lastProbeTime": None,
                "lastTransitionTime": pod["metadata"]["creationTimestamp"],
            }
        ]


def _keep_qos_class(new: Object, old: Object) -> None:
    known = (old.get("status") or {}).get("qosClass")
    if known and "qosClass" not in (new.get("status") or {}):
        new["status"] = {**(new.get("status") or {}), "qosClass": known}


def _count_templates(new: Object, old: Object) -> None:
    """Count the templates of a DaemonSet, in the annotation that took the place of a field."""
    count = (old["metadata"].get("annotations") or {}).get(_TEMPLATE_GENERATION, "1")
    if new["spec"].get("template") != old["spec"].get("template"):
        count = str(int(count) + 1)
    new["metadata"]["annotations"] = {
        **(new["metadata"].get("annotations") or {}),
        _TEMPLATE_GENERATION: count,
    }


def _start_daemon_set(daemon_set: Object) -> None:
    daemon_set["status"] = dict(_ZEROS["DaemonSet"])
    annotations = daemon_set["metadata"].get("annotations") or {}
    daemon_set["metadata"]["annotations"] = {**annotations, _TEMPLATE_GENERATION: "1"}


def _start_node(node: Object) -> None:
    node["status"] = {**_ZEROS["Node"], **(node.get("status") or {})}


def _start_namespace(namespace: Object) -> None:
    finalizers = (namespace.setdefault("spec", {}).get("finalizers")) or []
    namespace["spec"]["finalizers"] = [*finalizers, *({"kubernetes"} - set(finalizers))]
    namespace["status"] = {"phase": "Active"}
    labels = namespace["metadata"].setdefault("labels", {})
    labels["kubernetes.io/metadata.name"] = namespace["metadata"].get("name", "")


def _start_job(job: Object) -> None:
    job["status"] = {}
    spec, uid = job["spec"], job["metadata"]["uid"]
    if spec.get("manualSelector"):
        return
    name = job["metadata"].get("name", "")
    template = spec.setdefault("template", {}).setdefault("metadata", {})
    labels = template.get("labels") or {}
    for prefix in ("", "batch.kubernetes.io/"):
        labels[f"{prefix}controller-uid"] = uid
        labels[f"{prefix}job-name"] = name
    template["labels"] = labels
    if not job["metadata"].get("labels"):
        job["metadata"]["labels"] = dict(labels)
    selector = spec.get("selector") or {}
    selector["matchLabels"] = {
        **(selector.get("matchLabels") or {}),
        "batch.kubernetes.io/controller-uid": uid,
    }
    spec["selector"] = selector


def _start_with(status: Object) -> Callable[[Object], None]:
    def start(obj: Object) -> None:
        obj["status"] = dict(status)

    return start


def _encode_string_data(secret: Object) -> None:
    plain = secret.pop("stringData", None) or {}
    if plain:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
        secret["data"] = {**(secret.get("data") or {}), **encoded}


_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_NODE_INFO = ("machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion",
              "kubeletVersion", "kubeProxyVersion", "operatingSystem", "architecture")  # fmt: skip

# Fields of a status that Go always writes.
_ZEROS: dict[str, Object] = {
    "ReplicaSet": {"replicas": 0},
    "ReplicationController": {"replicas": 0},
    "StatefulSet": {"replicas": 0, "availableReplicas": 0},
    "DaemonSet": {
        "currentNumberScheduled": 0,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 0,
        "numberReady": 0,
    },
    "PodDisruptionBudget": {
        "disruptionsAllowed": 0,
        "currentHealthy": 0,
        "desiredHealthy": 0,
        "expectedPods": 0,
    },
    "HorizontalPodAutoscaler": {"desiredReplicas": 0, "currentMetrics": None},
    "Node": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}, "nodeInfo": dict.fromkeys(_NODE_INFO, "")},
}

_STARTS: dict[str, Callable[[Object], None]] = {
    "Pod": _start_pod,
    "Namespace": _start_namespace,
    "Job": _start_job,
    "Secret": _encode_string_data,
    "Service": _start_with({"loadBalancer": {}}),
    "PersistentVolume": _start_with({"phase": "Pending"}),
    "PersistentVolumeClaim": _start_with({"phase": "Pending"}),
    "Deployment": _start_with({}),
    "DaemonSet": _start_daemon_set,
    "Node": _start_node,
    "CronJob": _start_with({}),
    "Ingress": _start_with({"loadBalancer": {}}),
    **{
        name: _start_with(_ZEROS[name])
        for name in (
            "ReplicaSet",
            "ReplicationController",
            "StatefulSet",
            "PodDisruptionBudget",
            "HorizontalPodAutoscaler",
        )
    },
}
