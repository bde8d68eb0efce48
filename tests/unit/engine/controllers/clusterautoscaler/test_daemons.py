"""New nodes have room for what their daemons will be given there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import NODES, PODS, VERTICAL_POD_AUTOSCALERS, Object
from kubelab.rightsizing.scopes import HOSTNAME, NEW_NODES, PREDICTED, recommendation_groups
from kubelab.scenarios.objects import daemon_set, deployment
from kubelab.scenarios.player import play
from kubelab.simulated_cluster import SimulatedCluster

TYPE = "node.kubernetes.io/instance-type"
TIGHT = {"cpu": "7500m", "memory": "1Gi"}
"""Fits a m6i.2xlarge, which has 7.91 cores, beside a daemon of 100m, but not beside one of 800m."""


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    """Nodes of 4 to 32 cores that run an agent; two kinds of node that the autoscaler may add."""
    with Cluster.simulated(seed=3) as made:
        for cores in (4, 8, 16, 32):
            made.add_nodes(2, {"cpu": cores, "memory": "16Gi", "prefix": f"cores{cores}"})
        made.add_node_group("small", instance_type="m6i.2xlarge")
        made.add_node_group("large", instance_type="m6i.4xlarge")
        made.autoscale("price")
        anywhere = [{"operator": "Exists"}]
        agent = daemon_set(0, "agent", "default", {"cpu": "100m", "memory": "64Mi"}, tolerations=anywhere)
        portal.run(play(made.client, [agent]))
        yield made


def recommend(
    lab: SimulatedCluster, groups: dict[str, str], *, scope: str = HOSTNAME, mode: str = "Initial"
) -> None:
    """Create an autoscaler with what somebody else's recommender found, and 300m for all."""
    spec = {
        "targetRef": {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent"},
        "updatePolicy": {"updateMode": mode},
        "recommenders": [{"name": "by-hand"}],
        "scope": scope,
    }
    meta = {"name": "agent", "namespace": "default", "annotations": {NEW_NODES: "predict"}}
    body = {
        "apiVersion": VERTICAL_POD_AUTOSCALERS.api_version,
        "kind": VERTICAL_POD_AUTOSCALERS.kind,
        "metadata": meta,
        "spec": spec,
    }
    portal.run(lab.client.create(VERTICAL_POD_AUTOSCALERS, body))
    status = {
        "recommendation": {"containerRecommendations": target("300m")},
        "recommendationGroups": recommendation_groups({value: target(cpu) for value, cpu in groups.items()}),
    }
    patch = {"status": status}
    portal.run(lab.client.patch(VERTICAL_POD_AUTOSCALERS, "agent", patch, "default", subresource="status"))


def target(cpu: str) -> list[Object]:
    return [{"containerName": "main", "target": {"cpu": cpu}}]


def by_cores(lab: SimulatedCluster) -> dict[str, str]:
    """Return what an agent that uses a tenth of its node is recommended on each."""
    nodes = portal.run(lab.client.list(NODES)).items
    return {each["metadata"]["name"]: f"{100 * int(each['status']['allocatable']['cpu'])}m" for each in nodes}


def added(lab: SimulatedCluster) -> tuple[list[str], str, str]:
    """Let a tight pod come; return the groups that grew, where it runs, and what the agent there asks for."""
    portal.run(play(lab.client, [deployment(0, "tight", "default", 1, TIGHT)]))
    lab.run(minutes=5)
    pods = portal.run(lab.client.list(PODS)).items
    where = next(
        each["spec"].get("nodeName", "") for each in pods if each["metadata"]["name"].startswith("tight")
    )
    agents = [
        each["spec"]["containers"][0]["resources"]["requests"]["cpu"]
        for each in pods
        if each["spec"].get("nodeName") == where and each["metadata"]["name"].startswith("agent")
    ]
    return list(lab.decisions().node_group), where.rpartition("-")[0], "".join(agents)


def test_without_a_recommendation_the_template_counts(lab: SimulatedCluster) -> None:
    assert added(lab) == (["small"], "small", "100m")


def test_a_node_is_as_large_as_its_daemon_will_need(lab: SimulatedCluster) -> None:
    recommend(lab, by_cores(lab))
    groups, where, agent = added(lab)
    assert (groups, where) == (["large"], "large")
    assert agent in ("1589m", "1590m", "1591m")
    pods = portal.run(lab.client.list(PODS)).items
    notes = [(pod["metadata"].get("annotations") or {}).get(PREDICTED) for pod in pods]
    (note,) = (each for each in notes if each)
    assert note.startswith(f"main cpu: {agent}, in 89% of cases ")


def test_a_group_of_the_type_counts_before_any_prediction(lab: SimulatedCluster) -> None:
    recommend(lab, {"m6i.2xlarge": "900m", "m6i.4xlarge": "1200m"}, scope=TYPE)
    assert added(lab) == (["large"], "large", "1200m")


def test_what_is_only_recommended_does_not_count(lab: SimulatedCluster) -> None:
    recommend(lab, by_cores(lab), mode="Off")
    assert added(lab) == (["small"], "small", "100m")
