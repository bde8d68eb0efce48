"""The objects that scenarios are made of: small Deployments, Jobs, DaemonSets, StatefulSets and budgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubelab.autoscaling.drain import SAFE_TO_EVICT
from kubelab.client import (
    BUDGETS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    NODES,
    SERVICES,
    STATEFUL_SETS,
    Object,
    Resource,
)
from kubelab.scenarios.scenario import Action
from kubelab.simulated_pod import NODE_PREFIX
from kubelab.simulated_usage import DeclaredUse

RUN_DURATION = "simulated.kubelab.dev/run-duration"

Requests = Mapping[str, str]


def create(at_s: float, resource: Resource, body: Object) -> Action:
    """Return the action that creates an object."""
    meta = body["metadata"]
    return Action(at_s, "create", resource, meta["name"], meta.get("namespace", ""), body)


def namespace(name: str, team: str) -> Action:
    """Create a namespace of a team's at the beginning."""
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"team": team}},
    }
    return create(0, NAMESPACES, body)


def deployment(at_s: float, name: str, where: str, replicas: int, requests: Requests, **pod: Any) -> Action:
    """Create a Deployment."""
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": _template(name, requests, pod),
    }
    return create(at_s, DEPLOYMENTS, _object("apps/v1", "Deployment", name, where, spec))


def scale(at_s: float, name: str, where: str, replicas: int) -> Action:
    """Set how many pods a Deployment has."""
    return Action(at_s, "patch", DEPLOYMENTS, name, where, {"spec": {"replicas": replicas}})


def use(at_s: float, name: str, where: str, node: str, *, millicores: int, memory_bytes: int) -> Action:
    """Let each pod of a workload on one node use so much from then on, whatever it declares itself."""
    text = DeclaredUse(((0.0, millicores, memory_bytes),)).written()
    annotations = {f"{NODE_PREFIX}{where}.{name}": text}
    return Action(at_s, "patch", NODES, node, body={"metadata": {"annotations": annotations}})


def job(
    at_s: float, name: str, where: str, pods: int, requests: Requests, *, seconds: float, **pod: Any
) -> Action:
    """Create a Job whose pods run for so long, all at a time; moved, they would begin anew."""
    template = _template(name, requests, {"restartPolicy": "Never", **pod})
    template["metadata"]["annotations"] = {RUN_DURATION: f"{seconds:g}", SAFE_TO_EVICT: "false"}
    spec = {
        "completions": pods,
        "parallelism": pods,
        "backoffLimit": 20,
        "ttlSecondsAfterFinished": 600,
        "template": template,
    }
    return create(at_s, JOBS, _object("batch/v1", "Job", name, where, spec))


def daemon_set(at_s: float, name: str, where: str, requests: Requests, **pod: Any) -> Action:
    """Create a DaemonSet."""
    spec = {"selector": {"matchLabels": {"app": name}}, "template": _template(name, requests, pod)}
    return create(at_s, DAEMON_SETS, _object("apps/v1", "DaemonSet", name, where, spec))


def stateful_set(
    at_s: float, name: str, where: str, replicas: int, requests: Requests, **pod: Any
) -> list[Action]:
    """Create a StatefulSet and its headless Service."""
    labels = {"app": name}
    service = {"clusterIP": "None", "selector": labels, "ports": [{"port": 80}]}
    spec = {
        "serviceName": name,
        "replicas": replicas,
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": labels},
        "template": _template(name, requests, pod),
    }
    return [
        create(at_s, SERVICES, _object("v1", "Service", name, where, service)),
        create(at_s, STATEFUL_SETS, _object("apps/v1", "StatefulSet", name, where, spec)),
    ]


def budget(at_s: float, name: str, where: str, max_unavailable: int) -> Action:
    """Create a PodDisruptionBudget for the pods of an app."""
    spec = {"maxUnavailable": max_unavailable, "selector": {"matchLabels": {"app": name}}}
    return create(at_s, BUDGETS, _object("policy/v1", "PodDisruptionBudget", name, where, spec))


def spread(name: str, key: str, when: str = "DoNotSchedule") -> list[Object]:
    """Return topologySpreadConstraints over zones or hosts."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": when,
            "labelSelector": {"matchLabels": {"app": name}},
        }
    ]


def _object(version: str, kind: str, name: str, where: str, spec: Object) -> Object:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": where, "labels": {"app": name}},
        "spec": spec,
    }


def _template(name: str, requests: Requests, pod: Mapping[str, Any]) -> Object:
    resources: Object = {"requests": dict(requests)}
    devices = {key: value for key, value in requests.items() if "/" in key}
    if devices:
        resources["limits"] = devices
    container = {"name": "main", "image": "example", "resources": resources}
    return {"metadata": {"labels": {"app": name}}, "spec": {**pod, "containers": [container]}}
