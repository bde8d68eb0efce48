"""Pods of a vertical pod autoscaler begin with what is recommended for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import DAEMON_SETS, DEPLOYMENTS, NODES, PODS, VERTICAL_POD_AUTOSCALERS, Object, Resource
from kubelab.engine.apiserver.limits import LIMIT_RANGES
from kubelab.rightsizing.scopes import recommendation_groups
from kubelab.simulated_cluster import SimulatedCluster


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=11) as made:
        made.add_nodes(2, {"cpu": 8, "memory": "16Gi"})
        yield made


def create(lab: SimulatedCluster, resource: Resource, name: str, spec: Object) -> Object:
    body = {"apiVersion": resource.api_version, "kind": resource.kind}
    meta = {"name": name, "namespace": "default"}
    return portal.run(lab.client.create(resource, {**body, "metadata": meta, "spec": spec}))


def recommend(lab: SimulatedCluster, mode: str = "Initial", name: str = "web", **target: str) -> None:
    spec = {
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "updatePolicy": {"updateMode": mode},
        "recommenders": [{"name": "by-hand"}],
    }
    create(lab, VERTICAL_POD_AUTOSCALERS, name, spec)
    found = {"containerRecommendations": [{"containerName": "main", "target": target}]}
    patch = {"status": {"recommendation": found}}
    portal.run(lab.client.patch(VERTICAL_POD_AUTOSCALERS, name, patch, "default", subresource="status"))


def web(lab: SimulatedCluster) -> Object:
    """Create a Deployment of one pod with two containers, and return the pod."""
    labels = {"app": "web"}
    containers = [
        {
            "name": "main",
            "image": "x",
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}},
        },
        {"name": "side", "image": "x"},
    ]
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": containers, "tolerations": [{"operator": "Exists"}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    create(lab, DEPLOYMENTS, "web", spec)
    (pod,) = portal.run(lab.client.list(PODS)).items
    return pod


def test_new_pod_asks_for_what_is_recommended_and_says_by_whom(lab: SimulatedCluster) -> None:
    recommend(lab, cpu="250m", memory="262144k")
    pod = web(lab)
    main, side = pod["spec"]["containers"]
    assert main["resources"] == {
        "requests": {"cpu": "250m", "memory": "262144k"},
        "limits": {"cpu": "500m", "memory": "262144k"},
    }
    assert "resources" not in side or side["resources"] == {}
    assert pod["metadata"]["annotations"] == {
        "vpaObservedContainers": "main, side",
        "vpaUpdates": (
            "Pod resources updated by web: container 0: cpu request, memory request, cpu limit, memory limit"
        ),
    }


def test_nothing_changes_while_the_mode_is_off(lab: SimulatedCluster) -> None:
    recommend(lab, "Off", cpu="250m")
    pod = web(lab)
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1", "memory": "1Gi"}
    assert "vpaUpdates" not in pod["metadata"]["annotations"]


def test_the_first_of_two_autoscalers_is_in_charge(lab: SimulatedCluster) -> None:
    recommend(lab, name="one", cpu="250m")
    lab.run(seconds=2)
    recommend(lab, name="another", cpu="750m")
    assert web(lab)["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "250m"


def test_recommendation_keeps_to_the_limit_range(lab: SimulatedCluster) -> None:
    create(lab, LIMIT_RANGES, "most", {"limits": [{"type": "Container", "max": {"cpu": "3"}}]})
    recommend(lab, cpu="8")
    resources = web(lab)["spec"]["containers"][0]["resources"]
    assert (resources["requests"]["cpu"], resources["limits"]["cpu"]) == ("1500m", "3")


def test_pods_of_others_are_left_alone(lab: SimulatedCluster) -> None:
    recommend(lab, cpu="250m")
    containers = [{"name": "main", "image": "x"}]
    pod = create(lab, PODS, "web", {"containers": containers})
    assert "annotations" not in pod["metadata"]


def test_each_daemons_pod_begins_with_what_its_nodes_group_needs(lab: SimulatedCluster) -> None:
    labelled, plain = (each["metadata"]["name"] for each in portal.run(lab.client.list(NODES)).items)
    portal.run(lab.client.patch(NODES, labelled, {"metadata": {"labels": {"gpu": "true"}}}))
    target = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent"}
    create(lab, VERTICAL_POD_AUTOSCALERS, "agent", {"targetRef": target, "scope": "gpu"})
    status = {
        "recommendation": {"containerRecommendations": recommended("300m")},
        "recommendationGroups": recommendation_groups({"true": recommended("900m")}),
    }
    patch = {"status": status}
    portal.run(lab.client.patch(VERTICAL_POD_AUTOSCALERS, "agent", patch, "default", subresource="status"))
    create(lab, DAEMON_SETS, "agent", agent())
    requests = {
        pod["spec"]["nodeName"]: pod["spec"]["containers"][0]["resources"]["requests"]["cpu"]
        for pod in portal.run(lab.client.list(PODS)).items
    }
    assert requests == {labelled: "900m", plain: "300m"}


def recommended(cpu: str) -> list[Object]:
    return [{"containerName": "main", "target": {"cpu": cpu}}]


def agent() -> Object:
    labels = {"app": "agent"}
    containers = [{"name": "main", "image": "x"}]
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": containers, "tolerations": [{"operator": "Exists"}]},
    }
    return {"selector": {"matchLabels": labels}, "template": template}
