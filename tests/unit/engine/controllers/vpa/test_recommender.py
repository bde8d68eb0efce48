"""The recommender's loop on virtual time: from declared use to the status of autoscalers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import (
    PODS,
    VERTICAL_POD_AUTOSCALER_CHECKPOINTS,
    VERTICAL_POD_AUTOSCALERS,
    Object,
)
from kubelab.simulated_cluster import SimulatedCluster
from tests.unit.engine.controllers.vpa.lab import autoscale, autoscaler, deploy, pods, requests


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=17) as made:
        made.add_nodes(2, {"cpu": 8, "memory": "16Gi"})
        yield made


def recommended(lab: SimulatedCluster, name: str = "web") -> Object:
    (found,) = autoscaler(lab, name)["status"]["recommendation"]["containerRecommendations"]
    assert found["containerName"] == "main"
    return found


def conditions(lab: SimulatedCluster) -> dict[str, tuple[str, str]]:
    listed = autoscaler(lab)["status"]["conditions"]
    return {each["type"]: (each["status"], each.get("message", "")) for each in listed}


def checkpoints(lab: SimulatedCluster) -> list[Object]:
    return portal.run(lab.client.list(VERTICAL_POD_AUTOSCALER_CHECKPOINTS, "default")).items


def test_constant_use_is_recommended_as_upstream_recommends_it(lab: SimulatedCluster) -> None:
    deploy(lab, 1, {}, cpu="1000m", memory="300Mi")
    autoscale(lab, "Off")
    lab.run(hours=1)
    found = recommended(lab)
    assert found["target"] == found["uncappedTarget"] == {"cpu": "1168m", "memory": "380258472"}


def test_recommendation_comes_at_once_and_says_how_sure_it_is(lab: SimulatedCluster) -> None:
    deploy(lab, 1, {}, cpu="200m", memory="300Mi")
    autoscale(lab, "Off")
    lab.run(minutes=10)
    low = ("True", "Containers seen for less than a day: main")
    assert conditions(lab) == {"LowConfidence": low, "RecommendationProvided": ("True", "")}
    found = recommended(lab)
    assert found["target"] == {"cpu": "247m", "memory": "380258472"}
    assert found["lowerBound"]["cpu"] != found["upperBound"]["cpu"]
    lab.run(hours=25)
    assert conditions(lab) == {"RecommendationProvided": ("True", "")}


def test_autoscaler_without_pods_says_so(lab: SimulatedCluster) -> None:
    autoscale(lab, "Off")
    lab.run(minutes=1)
    none = "No pods match this VPA object"
    assert conditions(lab) == {
        "ConfigUnsupported": (
            "True",
            "Cannot read targetRef. Reason: Deployment default/web does not exist",
        ),
        "NoPodsMatched": ("True", none),
        "RecommendationProvided": ("False", none),
    }
    deploy(lab, 1, {}, cpu="200m")
    lab.run(minutes=1)
    assert set(conditions(lab)) == {"LowConfidence", "RecommendationProvided"}


def test_autoscaler_of_a_part_of_a_workload_is_told_to_point_at_the_whole(lab: SimulatedCluster) -> None:
    deploy(lab, 1, {}, cpu="200m")
    (pod,) = pods(lab)
    (owner,) = pod["metadata"]["ownerReferences"]
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner["name"]}
    autoscale(lab, "Off")
    patch = {"spec": {"targetRef": reference}}
    portal.run(lab.client.patch(VERTICAL_POD_AUTOSCALERS, "web", patch, "default"))
    lab.run(minutes=2)
    assert "has a parent controller" in conditions(lab)["ConfigUnsupported"][1]


def test_autoscaler_of_another_recommender_is_left_alone(lab: SimulatedCluster) -> None:
    deploy(lab, 1, {}, cpu="200m")
    autoscale(lab, "Off", recommender="another")
    lab.run(minutes=5)
    assert "status" not in autoscaler(lab)


def test_policy_bounds_what_is_recommended_and_the_uncapped_target_says_what_would_be(
    lab: SimulatedCluster,
) -> None:
    deploy(lab, 1, {}, cpu="200m", memory="300Mi")
    autoscale(lab, "Off", policies=({"containerName": "*", "maxAllowed": {"cpu": "100m"}},))
    lab.run(minutes=5)
    found = recommended(lab)
    assert (found["target"]["cpu"], found["uncappedTarget"]["cpu"]) == ("100m", "247m")


def test_pods_are_brought_to_what_they_use(lab: SimulatedCluster) -> None:
    deploy(
        lab,
        4,
        {"requests": {"cpu": "2", "memory": "2Gi"}, "limits": {"cpu": "4"}},
        cpu="200m",
        memory="300Mi",
    )
    autoscale(lab, "InPlaceOrRecreate")
    before = {pod["metadata"]["name"] for pod in pods(lab)}
    lab.run(hours=5)  # until the upper bound is below what they ask for
    assert {pod["metadata"]["name"] for pod in pods(lab)} == before
    assert requests(lab) == [{"cpu": "247m", "memory": "380258472"}] * 4
    assert {pod["spec"]["containers"][0]["resources"]["limits"]["cpu"] for pod in pods(lab)} == {"494m"}


def test_kill_for_memory_raises_what_is_recommended(lab: SimulatedCluster) -> None:
    declared = {"reason": "OOMKilled", "exit-code": "137", "run-duration": "120"}
    deploy(lab, 1, {"requests": {"memory": "1Gi"}}, cpu="100m", memory="300Mi", **declared)
    autoscale(lab, "Off")
    lab.run(minutes=1)
    assert recommended(lab)["target"]["memory"] == "380258472"
    lab.run(minutes=3)
    assert int(recommended(lab)["target"]["memory"]) >= 1288490188


def test_what_was_seen_outlives_the_autoscalers_own_life(lab: SimulatedCluster) -> None:
    deploy(lab, 1, {}, cpu="200m", memory="300Mi")
    autoscale(lab, "Off")
    lab.run(hours=25)
    (kept,) = checkpoints(lab)
    assert (kept["metadata"]["name"], kept["spec"]) == (
        "web-main",
        {"vpaObjectName": "web", "containerName": "main"},
    )
    assert kept["status"]["version"] == "v3"
    before = recommended(lab)
    portal.run(lab.client.delete(VERTICAL_POD_AUTOSCALERS, "web", "default"))
    autoscale(lab, "Off")
    lab.run(minutes=1)
    assert recommended(lab)["target"] == before["target"]
    assert "LowConfidence" not in conditions(lab)


def test_checkpoints_of_autoscalers_that_are_gone_are_deleted(lab: SimulatedCluster) -> None:
    deploy(lab, 1, {}, cpu="200m", memory="300Mi")
    autoscale(lab, "Off")
    lab.run(minutes=15)
    autoscale(lab, "Off", name="another")
    portal.run(lab.client.delete(VERTICAL_POD_AUTOSCALERS, "web", "default"))
    lab.run(minutes=15)
    assert [each["spec"]["vpaObjectName"] for each in checkpoints(lab)] == ["another"]


def test_containers_of_pods_that_are_replaced_count_on(lab: SimulatedCluster) -> None:
    deploy(lab, 1, {}, cpu="200m", memory="300Mi")
    autoscale(lab, "Off")
    lab.run(hours=3)
    upper = recommended(lab)["upperBound"]
    (pod,) = pods(lab)
    portal.run(lab.client.delete(PODS, pod["metadata"]["name"], "default"))
    lab.run(hours=1)
    assert int(recommended(lab)["upperBound"]["memory"]) <= int(upper["memory"])


def test_pod_that_is_killed_for_memory_is_given_more_at_once(lab: SimulatedCluster) -> None:
    grows = "[[0, 100, 100000000], [1200, 100, 400000000]]"
    few = {"requests": {"cpu": "200m", "memory": "256Mi"}, "limits": {"memory": "256Mi"}}
    deploy(lab, 2, few, usage=grows)
    autoscale(lab, "InPlaceOrRecreate")
    lab.run(minutes=19)
    assert {each["memory"] for each in requests(lab)} == {"256Mi"}
    lab.run(minutes=6)
    killed = [pod["status"]["containerStatuses"][0] for pod in pods(lab)]
    assert {each["lastState"]["terminated"]["reason"] for each in killed} == {"OOMKilled"}
    assert all(int(each["memory"]) > 400_000_000 for each in requests(lab))
