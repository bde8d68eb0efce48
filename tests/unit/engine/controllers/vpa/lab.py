"""Workloads and autoscalers on a simulated cluster."""

from __future__ import annotations

from kubelab import portal
from kubelab.client import (
    DEPLOYMENTS,
    EVENTS,
    PODS,
    VERTICAL_POD_AUTOSCALERS,
    Object,
    Resource,
)
from kubelab.simulated_cluster import SimulatedCluster
from kubelab.simulated_pod import PREFIX


def create(lab: SimulatedCluster, resource: Resource, name: str, spec: Object) -> Object:
    body = {"apiVersion": resource.api_version, "kind": resource.kind}
    meta = {"name": name, "namespace": "default"}
    return portal.run(lab.client.create(resource, {**body, "metadata": meta, "spec": spec}))


def deploy(
    lab: SimulatedCluster, replicas: int, resources: Object, *, policy: Object | None = None, **declared: str
) -> None:
    """Create the Deployment ``web``; ``cpu="200m"`` declares what each of its pods uses."""
    labels = {"app": "web"}
    container = {"name": "main", "image": "x", "resources": resources}
    annotations = {PREFIX + key: value for key, value in declared.items()}
    template = {
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": {"containers": [container], "tolerations": [{"operator": "Exists"}]},
    }
    create(
        lab,
        DEPLOYMENTS,
        "web",
        {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    )


def autoscale(
    lab: SimulatedCluster,
    mode: str | None = None,
    *,
    name: str = "web",
    kind: str = "Deployment",
    recommender: str = "",
    scope: str = "",
    policies: tuple[Object, ...] = (),
    **update: object,
) -> None:
    spec: Object = {"targetRef": {"apiVersion": "apps/v1", "kind": kind, "name": "web"}}
    if mode:
        spec["updatePolicy"] = {"updateMode": mode, **update}
    if scope:
        spec["scope"] = scope
    if recommender:
        spec["recommenders"] = [{"name": recommender}]
    if policies:
        spec["resourcePolicy"] = {"containerPolicies": list(policies)}
    create(lab, VERTICAL_POD_AUTOSCALERS, name, spec)


def recommend(lab: SimulatedCluster, target: Object, lower: Object, upper: Object) -> None:
    """Recommend by hand, as another recommender would."""
    each = {"containerName": "main", "target": target, "lowerBound": lower, "upperBound": upper}
    patch = {"status": {"recommendation": {"containerRecommendations": [each]}}}
    portal.run(lab.client.patch(VERTICAL_POD_AUTOSCALERS, "web", patch, "default", subresource="status"))


def autoscaler(lab: SimulatedCluster, name: str = "web") -> Object:
    return portal.run(lab.client.get(VERTICAL_POD_AUTOSCALERS, name, "default"))


def pods(lab: SimulatedCluster) -> list[Object]:
    return portal.run(lab.client.list(PODS, "default")).items


def requests(lab: SimulatedCluster) -> list[Object]:
    """Return what each pod's node gave it, sorted."""
    found = [pod["status"]["containerStatuses"][0]["resources"]["requests"] for pod in pods(lab)]
    return sorted(found, key=str)


def reasons(lab: SimulatedCluster, kind: str) -> list[str]:
    """Return the reasons of events about objects of a kind, sorted."""
    found = portal.run(lab.client.list(EVENTS)).items
    return sorted(each["reason"] for each in found if each["involvedObject"]["kind"] == kind)
