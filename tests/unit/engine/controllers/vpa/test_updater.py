"""The updater's loop on virtual time: resizes, evictions, budgets and groups of one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import BUDGETS, NODES, PODS, VERTICAL_POD_AUTOSCALERS, Object
from kubelab.rightsizing.scopes import HOSTNAME, recommendation_groups
from kubelab.scenarios.objects import daemon_set
from kubelab.scenarios.player import play
from kubelab.simulated_cluster import SimulatedCluster
from tests.unit.engine.controllers.vpa.lab import (
    autoscale,
    create,
    deploy,
    pods,
    reasons,
    recommend,
    requests,
)

ONE = {"requests": {"cpu": "1", "memory": "1Gi"}}
HAD, WANTED = {"cpu": "1", "memory": "1Gi"}, {"cpu": "250m", "memory": "1Gi"}
ANYWHERE: Object = {"operator": "Exists"}
BOUNDS: tuple[Object, Object] = ({"cpu": "200m"}, {"cpu": "500m"})


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=13) as made:
        made.add_nodes(2, {"cpu": 8, "memory": "16Gi"})
        yield made


def names(lab: SimulatedCluster) -> set[str]:
    return {pod["metadata"]["name"] for pod in pods(lab)}


def test_pods_are_resized_in_place_half_of_them_each_minute(lab: SimulatedCluster) -> None:
    deploy(lab, 4, ONE)
    before = names(lab)
    autoscale(lab, "InPlaceOrRecreate", recommender="by-hand")
    recommend(lab, {"cpu": "250m"}, *BOUNDS)
    lab.run(seconds=62)
    assert requests(lab) == [HAD, HAD, WANTED, WANTED]
    lab.run(minutes=1)
    assert requests(lab) == [WANTED] * 4
    assert names(lab) == before
    assert reasons(lab, "Pod").count("InPlaceResizedByVPA") == 4


def test_pods_are_evicted_and_come_back_with_what_is_recommended(lab: SimulatedCluster) -> None:
    deploy(lab, 2, ONE)
    before = names(lab)
    autoscale(lab, recommender="by-hand")
    recommend(lab, {"cpu": "250m"}, *BOUNDS)
    lab.run(seconds=62)
    assert requests(lab) == [HAD, WANTED]
    lab.run(minutes=2)
    assert requests(lab) == [WANTED, WANTED]
    assert not names(lab) & before
    assert reasons(lab, "Pod").count("EvictedByVPA") == 2
    assert reasons(lab, "VerticalPodAutoscaler") == ["EvictedPod", "EvictedPod"]


def test_budget_that_allows_nothing_keeps_the_pods(lab: SimulatedCluster) -> None:
    deploy(lab, 2, ONE)
    create(lab, BUDGETS, "web", {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}})
    autoscale(lab, recommender="by-hand")
    recommend(lab, {"cpu": "250m"}, *BOUNDS)
    before = names(lab)
    lab.run(minutes=5)
    assert names(lab) == before


def test_only_replica_stays_unless_the_autoscaler_allows_its_eviction(lab: SimulatedCluster) -> None:
    deploy(lab, 1, ONE)
    autoscale(lab, "Recreate", recommender="by-hand")
    recommend(lab, {"cpu": "250m"}, *BOUNDS)
    before = names(lab)
    lab.run(minutes=5)
    assert names(lab) == before
    patch = {"spec": {"updatePolicy": {"minReplicas": 1}}}
    portal.run(lab.client.patch(VERTICAL_POD_AUTOSCALERS, "web", patch, "default"))
    lab.run(minutes=2)
    assert (len(names(lab)), names(lab) & before, requests(lab)) == (1, set(), [WANTED])


def test_resize_for_which_the_node_has_no_room_ends_in_an_eviction(lab: SimulatedCluster) -> None:
    deploy(lab, 2, {"requests": {"cpu": "3"}})
    filler = {"name": "main", "image": "x", "resources": {"requests": {"cpu": "4"}}}
    for name in ("one", "two"):
        create(lab, PODS, name, {"containers": [filler], "tolerations": [{"operator": "Exists"}]})
    autoscale(lab, "InPlaceOrRecreate", recommender="by-hand")
    recommend(lab, {"cpu": "5"}, {"cpu": "4"}, {"cpu": "6"})
    before = names(lab) - {"one", "two"}
    lab.run(minutes=5)
    assert names(lab) >= before
    lab.run(minutes=10)
    assert not names(lab) >= before


def test_nothing_happens_to_pods_within_their_range(lab: SimulatedCluster) -> None:
    deploy(lab, 3, ONE)
    autoscale(lab, recommender="by-hand")
    recommend(lab, {"cpu": "900m"}, {"cpu": "500m"}, {"cpu": "2"})
    before = names(lab)
    lab.run(hours=11)
    assert names(lab) == before
    lab.run(hours=2)
    assert not names(lab) & before


def test_daemons_pods_are_resized_to_what_their_nodes_group_needs(lab: SimulatedCluster) -> None:
    first, second = sorted(each["metadata"]["name"] for each in portal.run(lab.client.list(NODES)).items)
    portal.run(play(lab.client, [daemon_set(0, "web", "default", {"cpu": "100m"}, tolerations=[ANYWHERE])]))
    autoscale(lab, "InPlaceOrRecreate", kind="DaemonSet", recommender="by-hand", scope=HOSTNAME)
    targets = {first: "300m", second: "100m"}
    groups = {node: [{"containerName": "main", "target": {"cpu": cpu}}] for node, cpu in targets.items()}
    patch = {"status": {"recommendationGroups": recommendation_groups(groups)}}
    portal.run(lab.client.patch(VERTICAL_POD_AUTOSCALERS, "web", patch, "default", subresource="status"))
    lab.run(hours=11)
    assert requests(lab) == [{"cpu": "100m"}] * 2  # groups have no bounds: only old pods are updated
    lab.run(hours=2)
    given = {
        pod["spec"]["nodeName"]: pod["spec"]["containers"][0]["resources"]["requests"] for pod in pods(lab)
    }
    assert given == {first: {"cpu": "300m"}, second: {"cpu": "100m"}}
