"""Groups that come and go with what a set needs, on virtual time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import DEPLOYMENTS, INSTANCE_SCORES, NODE_GROUP_SETS, NODE_GROUPS, PODS, Object
from kubelab.simulated_cluster import SimulatedCluster
from tests.unit.engine.controllers.nodegroupset.sets import deployment, node_group_set

SMALL = "provider == 'aws' && family in ['c6i', 'm6i', 'r6i'] && vcpu <= 16"
TEAM_A = {"team": "a"}


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as made:
        yield made


def groups(lab: SimulatedCluster) -> dict[str, Object]:
    return {each["metadata"]["name"]: each for each in portal.run(lab.client.list(NODE_GROUPS)).items}


def create(lab: SimulatedCluster, *objects: Object) -> None:
    for obj in objects:
        resource = DEPLOYMENTS if obj["kind"] == "Deployment" else NODE_GROUP_SETS
        portal.run(lab.client.create(resource, obj))
    lab.run(seconds=10)


def status(lab: SimulatedCluster, name: str) -> Object:
    found: Object = portal.run(lab.client.get(NODE_GROUP_SETS, name))["status"]
    return found


def condition(lab: SimulatedCluster, name: str, type_: str) -> Object:
    return next(each for each in status(lab, name)["conditions"] if each["type"] == type_)


def test_set_makes_the_groups_that_its_requirements_ask_for(lab: SimulatedCluster) -> None:
    asked = [
        {"name": "cheapest", "cheapest": True, "fallbacks": 1},
        {"name": "big", "fits": {"cpu": "12", "memory": "100Gi"}},
    ]
    create(
        lab,
        deployment("web", 14, "1", "1Gi", **TEAM_A),
        node_group_set("web", selector=TEAM_A, types=SMALL, requirements=asked),
    )
    assert set(groups(lab)) == {"web-c6i-2xlarge", "web-m6i-2xlarge", "web-r6i-4xlarge"}
    told = {each["name"]: each["for"] for each in status(lab, "web")["groups"]}
    assert told["web-r6i-4xlarge"] == "big"
    assert condition(lab, "web", "Conflict")["status"] == "False"


def test_pods_of_a_set_run_on_its_nodes_and_its_types_are_scored(lab: SimulatedCluster) -> None:
    create(
        lab,
        deployment("web", 14, "1", "1Gi", **TEAM_A),
        node_group_set("web", selector=TEAM_A, types=SMALL),
    )
    lab.autoscale("score,least-waste")
    lab.run(minutes=5)
    pods = portal.run(lab.client.list(PODS)).items
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}
    assert all(pod["spec"]["nodeName"].startswith("web-c6i-2xlarge") for pod in pods)
    scored = {each["metadata"]["name"] for each in portal.run(lab.client.list(INSTANCE_SCORES)).items}
    assert scored == {"web.aws-c6i.2xlarge"}


def test_sets_that_claim_the_same_pods_create_nothing(lab: SimulatedCluster) -> None:
    one, other = (node_group_set(name, selector=TEAM_A, types=SMALL) for name in ("one", "other"))
    for each in (one, other):
        portal.run(lab.client.create(NODE_GROUP_SETS, each))
    lab.run(seconds=10)
    assert not [each for each in groups(lab) if each.startswith("other")]
    for name in ("one", "other"):
        found = condition(lab, name, "Conflict")
        assert (found["status"], found["reason"]) == ("True", "PodsClaimedTwice")


def test_conflict_ends_with_its_cause(lab: SimulatedCluster) -> None:
    create(lab, *(node_group_set(name, selector=TEAM_A, types=SMALL) for name in ("one", "other")))
    portal.run(lab.client.patch(NODE_GROUP_SETS, "other", {"spec": {"selector": {"team": "b"}}}))
    lab.run(seconds=10)
    assert condition(lab, "other", "Conflict")["status"] == "False"
    assert [each for each in groups(lab) if each.startswith("other")]


def test_groups_name_that_is_taken_by_another_is_a_conflict(lab: SimulatedCluster) -> None:
    lab.add_node_group("web-c6i-2xlarge", instance_type="c6i.2xlarge")
    create(lab, deployment("web", 14, "1", "1Gi", **TEAM_A))
    create(lab, node_group_set("web", selector=TEAM_A, types=SMALL))
    assert condition(lab, "web", "Conflict")["reason"] == "GroupExists"
    assert list(groups(lab)) == ["web-c6i-2xlarge"]


def test_expression_that_does_not_compile_is_told(lab: SimulatedCluster) -> None:
    create(lab, node_group_set("web", types="vcpus > 8"))
    found = condition(lab, "web", "Accepted")
    assert (found["status"], found["reason"]) == ("False", "Invalid")
    assert "vcpus" in found["message"]


def test_group_that_is_not_needed_any_more_goes_only_once_it_is_empty(lab: SimulatedCluster) -> None:
    create(
        lab,
        deployment("web", 14, "1", "1Gi", **TEAM_A),
        node_group_set("web", selector=TEAM_A, types=SMALL),
    )
    lab.autoscale("least-waste")
    lab.run(minutes=5)
    portal.run(lab.client.patch(NODE_GROUP_SETS, "web", {"spec": {"types": f"{SMALL} && family == 'm6i'"}}))
    lab.run(minutes=1)
    old = groups(lab)["web-c6i-2xlarge"]
    assert old["spec"]["maxSize"] == old["status"]["replicas"] == 2
    assert "web-m6i-2xlarge" in groups(lab)
    portal.run(lab.client.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 0}}, "default"))
    lab.run(minutes=30)
    assert list(groups(lab)) == ["web-m6i-2xlarge"]
