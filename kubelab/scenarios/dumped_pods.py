"""The workloads whose pods a dump holds: what their owners would have to be for these pods to come about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kubelab.client import (
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    PODS,
    PRIORITY_CLASSES,
    STATEFUL_SETS,
    Object,
    Resource,
)
from kubelab.scenarios.objects import RUN_DURATION, create
from kubelab.scenarios.scenario import Action

WORKLOAD = "scenarios.kubelab.dev/workload"
"""The label by which a workload finds its pods."""

BEGIN_S = 120.0
"""When the dump's nodes have come, and agents run on them."""

LONGEST_NAME = 50
"""So that what controllers put behind it fits into a label."""

KEPT_SPEC = (
    "hostNetwork",
    "nodeSelector",
    "preemptionPolicy",
    "priorityClassName",
    "restartPolicy",
    "terminationGracePeriodSeconds",
    "topologySpreadConstraints",
)
KEPT_ANNOTATIONS = ("cluster-autoscaler.kubernetes.io/", "simulated.kubelab.dev/")
LOCAL_VOLUMES = ("emptyDir", "hostPath")
"""Volumes that may keep a node from being drained."""

GIVEN_LABELS = (
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "controller-uid",
    "job-name",
)
"""Labels that a controller gives each pod; so are those of ``batch.kubernetes.io``."""

BUILT_IN = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
SYSTEM_PRIORITIES = "system-"


def is_alive(pod: Object) -> bool:
    """Say whether a pod runs or waits, and is nobody's mirror: a kubelet's own pods come with its node."""
    phase = pod.get("status", {}).get("phase", "Running")
    return (
        phase in ("Pending", "Running")
        and "deletionTimestamp" not in pod["metadata"]
        and _owner(pod).get("kind") != "Node"
    )


def workloads(pods: Sequence[Object], *, job_seconds: float) -> list[Action]:
    """Return what creates like pods: namespaces and priorities first, then a workload for each owner.

    Pods of one owner that differ, as in the middle of a rollout, become workloads of their own; but of a
    DaemonSet's the first stands for all. What is no DaemonSet comes once the first nodes have come.
    """
    alike: dict[tuple[str, ...], list[Object]] = {}
    shapes: dict[tuple[str, ...], Object] = {}
    for pod in sorted(pods, key=lambda each: (_namespace(each), str(each["metadata"]["name"]))):
        shape = _template(pod, job_seconds)
        kind = _kind(pod)
        told_by = "" if kind == DAEMON_SETS else json.dumps(shape, sort_keys=True)
        key = (_namespace(pod), kind.kind, _owner_name(pod), told_by)
        alike.setdefault(key, []).append(pod)
        shapes.setdefault(key, shape)
    taken: set[tuple[str, ...]] = set()
    made = [_workload(found, shapes[key], _free(key, taken)) for key, found in sorted(alike.items())]
    return [*_namespaces(pods), *_priorities(pods), *made]


def _workload(pods: Sequence[Object], template: Object, name: str) -> Action:
    resource, namespace = _kind(pods[0]), _namespace(pods[0])
    meta: Object = {"name": name, "namespace": namespace}
    body: Object = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta}
    if resource == PODS:
        meta |= template["metadata"]
        return create(BEGIN_S, resource, {**body, "spec": template["spec"]})
    labels = {**template["metadata"]["labels"], WORKLOAD: name}
    template = {**template, "metadata": {**template["metadata"], "labels": labels}}
    spec: Object = {"template": template}
    if resource == JOBS:
        spec |= {"parallelism": len(pods), "completions": len(pods), "backoffLimit": 20}
    else:
        spec["selector"] = {"matchLabels": {WORKLOAD: name}}
    if resource in (DEPLOYMENTS, STATEFUL_SETS):
        spec["replicas"] = len(pods)
    if resource == STATEFUL_SETS:
        spec |= {"serviceName": name, "podManagementPolicy": "Parallel"}
    return create(0 if resource == DAEMON_SETS else BEGIN_S, resource, {**body, "spec": spec})


def _kind(pod: Object) -> Resource:
    """Return what kind of workload a pod comes from; for a custom kind, the built-in one most like it."""
    owner = _owner(pod).get("kind")
    if owner is None:
        return PODS
    if owner in (DAEMON_SETS.kind, STATEFUL_SETS.kind):
        return DAEMON_SETS if owner == DAEMON_SETS.kind else STATEFUL_SETS
    return DEPLOYMENTS if pod["spec"].get("restartPolicy", "Always") == "Always" else JOBS


def _owner_name(pod: Object) -> str:
    """Return the name of a pod's owner; of a ReplicaSet, that of its Deployment."""
    name = str(_owner(pod).get("name") or pod["metadata"]["name"])
    revision = (pod["metadata"].get("labels") or {}).get("pod-template-hash")
    return name.removesuffix(f"-{revision}") if revision else name


def _free(key: tuple[str, ...], taken: set[tuple[str, ...]]) -> str:
    """Return the name of a workload: its owner's, with a number behind if another has it."""
    *kind, name = *key[:2], key[2][:LONGEST_NAME].rstrip("-.")
    names = (name, *(f"{name}-{at}" for at in range(2, len(taken) + 3)))
    free = next(each for each in names if (*kind, each) not in taken)
    taken.add((*kind, free))
    return free


def _template(pod: Object, job_seconds: float) -> Object:
    meta = pod["metadata"]
    annotations = {
        key: value
        for key, value in (meta.get("annotations") or {}).items()
        if key.startswith(KEPT_ANNOTATIONS)
    }
    if _kind(pod) == JOBS:
        annotations.setdefault(RUN_DURATION, f"{job_seconds:g}")
    labels = {
        key: value
        for key, value in (meta.get("labels") or {}).items()
        if key not in GIVEN_LABELS and not key.startswith("batch.kubernetes.io/")
    }
    return {"metadata": {"labels": labels, "annotations": annotations}, "spec": _spec(pod["spec"])}


def _spec(spec: Object) -> Object:
    """Return what matters of a pod's spec to who places it."""
    kept = {key: spec[key] for key in KEPT_SPEC if key in spec}
    tolerations = [each for each in spec.get("tolerations") or () if not _is_given(each)]
    volumes = [each for each in spec.get("volumes") or () if any(kind in each for kind in LOCAL_VOLUMES)]
    parts: Object = {
        "affinity": _affinity(spec.get("affinity") or {}),
        "tolerations": tolerations,
        "volumes": volumes,
        "initContainers": [_container(each) for each in spec.get("initContainers") or ()],
        "containers": [_container(each) for each in spec["containers"]],
    }
    return kept | {key: value for key, value in parts.items() if value}


def _container(container: Object) -> Object:
    resources = container.get("resources") or {}
    ports = [each for each in container.get("ports") or () if each.get("hostPort")]
    return {
        "name": container["name"],
        "image": container.get("image", "example"),
        "resources": {key: resources[key] for key in ("requests", "limits") if key in resources},
        **({"restartPolicy": container["restartPolicy"]} if "restartPolicy" in container else {}),
        **({"ports": ports} if ports else {}),
    }


def _is_given(toleration: Mapping[str, Any]) -> bool:
    """Say whether a toleration is one that every pod, or every DaemonSet's pod, is given."""
    return str(toleration.get("key", "")).startswith("node.kubernetes.io/")


def _affinity(affinity: Object) -> Object:
    """Return an affinity without the field by which a DaemonSet's pod is meant for one node."""
    node = affinity.get("nodeAffinity") or {}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    terms = [
        {"matchExpressions": term["matchExpressions"]}
        for term in (node.get(required) or {}).get("nodeSelectorTerms") or ()
        if term.get("matchExpressions")
    ]
    rest = {key: value for key, value in node.items() if key != required}
    kept = {**rest, **({required: {"nodeSelectorTerms": terms}} if terms else {})}
    others = {key: value for key, value in affinity.items() if key != "nodeAffinity"}
    return {**others, **({"nodeAffinity": kept} if kept else {})}


def _namespaces(pods: Sequence[Object]) -> list[Action]:
    names = sorted({_namespace(pod) for pod in pods} - BUILT_IN)
    return [
        create(0, NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for name in names
    ]


def _priorities(pods: Sequence[Object]) -> list[Action]:
    found = {
        pod["spec"]["priorityClassName"]: pod["spec"]
        for pod in pods
        if not pod["spec"].get("priorityClassName", SYSTEM_PRIORITIES).startswith(SYSTEM_PRIORITIES)
    }
    return [
        create(
            0,
            PRIORITY_CLASSES,
            {
                "apiVersion": PRIORITY_CLASSES.api_version,
                "kind": PRIORITY_CLASSES.kind,
                "metadata": {"name": name},
                "value": spec.get("priority", 0),
                "preemptionPolicy": spec.get("preemptionPolicy", "PreemptLowerPriority"),
            },
        )
        for name, spec in sorted(found.items())
    ]


def _owner(pod: Object) -> Object:
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((each for each in owners if each.get("controller")), {})


def _namespace(pod: Object) -> str:
    return str(pod["metadata"].get("namespace", "default"))
