"""Scores that the controller writes, on virtual time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import DEPLOYMENTS, INSTANCE_SCORES, NODE_GROUPS, Object
from kubelab.simulated_cluster import SimulatedCluster
from tests.unit.engine.controllers.nodegroupset.sets import deployment


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as made:
        made.add_node_group("m", instance_type="m6i.2xlarge", max_size=20)
        made.add_node_group("c", instance_type="c6i.2xlarge", max_size=20)
        yield made


def scores(lab: SimulatedCluster) -> dict[str, Object]:
    found = portal.run(lab.client.list(INSTANCE_SCORES)).items
    return {each["metadata"]["name"]: each["spec"] for each in found}


def create(lab: SimulatedCluster, obj: Object) -> None:
    portal.run(lab.client.create(DEPLOYMENTS, obj))


def test_types_are_scored_for_the_pods_that_are_there(lab: SimulatedCluster) -> None:
    create(lab, deployment("web", 14, "1", "1Gi"))
    lab.autoscale("score,least-waste")
    lab.run(seconds=5)
    found = scores(lab)
    assert found["aws-c6i.2xlarge"]["cost"]["score"] == 100
    assert found["aws-m6i.2xlarge"]["cost"]["score"] == pytest.approx(88.54)
    assert "hold 14 of 14 pods" in found["aws-m6i.2xlarge"]["cost"]["evidence"]


def test_scores_change_with_the_pods(lab: SimulatedCluster) -> None:
    create(lab, deployment("web", 14, "1", "1Gi"))
    lab.autoscale("score,least-waste")
    lab.run(minutes=2)
    create(lab, deployment("cache", 40, "1", "4Gi"))
    lab.run(minutes=2)
    assert scores(lab)["aws-m6i.2xlarge"]["cost"]["score"] == 100


def test_set_is_scored_by_the_most_pods_of_the_last_day(lab: SimulatedCluster) -> None:
    create(lab, deployment("web", 14, "1", "1Gi"))
    lab.autoscale("score,least-waste")
    lab.run(minutes=2)
    portal.run(lab.client.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 1}}, "default"))
    lab.run(hours=2)
    assert "hold 14 of 14 pods" in scores(lab)["aws-c6i.2xlarge"]["cost"]["evidence"]


def test_nobody_is_scored_for_an_expander_that_does_not_read_scores(lab: SimulatedCluster) -> None:
    create(lab, deployment("web", 14, "1", "1Gi"))
    lab.autoscale("score")
    lab.run(seconds=5)
    assert scores(lab)
    lab.autoscale("least-waste")
    lab.run(seconds=5)
    assert not scores(lab)


def test_provider_that_has_no_nodes_costs_its_type_reliability(lab: SimulatedCluster) -> None:
    create(lab, deployment("web", 14, "1", "1Gi"))
    for name, spec in (("c", {"availableNodes": 0}), ("m", {"maxSize": 0})):
        portal.run(lab.client.patch(NODE_GROUPS, name, {"spec": spec}))
    lab.autoscale("score,least-waste")
    lab.run(minutes=10)
    tried, untried = (scores(lab)[name]["reliability"] for name in ("aws-c6i.2xlarge", "aws-m6i.2xlarge"))
    assert tried["outOfCapacity"] > 0
    assert untried["outOfCapacity"] == 0
    assert tried["score"] < untried["score"]


def test_performance_that_somebody_measured_is_kept(lab: SimulatedCluster) -> None:
    create(lab, deployment("web", 14, "1", "1Gi"))
    lab.autoscale("score,least-waste")
    lab.run(minutes=2)
    own = {"spec": {"performance": {"score": 40, "evidence": "our benchmark"}}}
    portal.run(lab.client.patch(INSTANCE_SCORES, "aws-m6i.2xlarge", own))
    create(lab, deployment("more", 14, "1", "1Gi"))
    lab.run(minutes=2)
    assert scores(lab)["aws-m6i.2xlarge"]["performance"]["score"] == 40
