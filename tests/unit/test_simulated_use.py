"""Use that changes while a simulated cluster runs, as `kubectl top` would see it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import DAEMON_SETS, EVENTS, NODES, POD_METRICS, PODS, Object
from kubelab.errors import NotFoundError
from kubelab.quantities import cpu_millicores
from kubelab.scenarios import objects
from kubelab.scenarios.scenario import scenario
from kubelab.simulated_cluster import SimulatedCluster
from kubelab.simulated_pod import NODE_PREFIX, PREFIX, DeclarationError


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=5) as made:
        made.add_nodes(3, {"cpu": 4, "memory": "8Gi", "prefix": "node"})
        portal.run(made.client.create(DAEMON_SETS, agent()))
        yield made


def agent() -> Object:
    labels = {"app": "agent"}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {f"{PREFIX}cpu": "100m"}},
                "spec": {
                    "tolerations": [{"operator": "Exists"}],
                    "containers": [{"name": "main", "image": "x"}],
                },
            },
        },
    }


def used(lab: SimulatedCluster) -> dict[str, int]:
    """Return what the pod on each node uses, in millicores."""
    nodes = {
        pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in portal.run(lab.client.list(PODS)).items
    }
    return {
        nodes[each["metadata"]["name"]]: cpu_millicores(each["containers"][0]["usage"]["cpu"])
        for each in portal.run(lab.client.list(POD_METRICS)).items
    }


def test_load_on_one_node_is_seen_there_only(lab: SimulatedCluster) -> None:
    first, second, third = sorted(used(lab))
    lab.set_usage("agent", second, cpu="800m", memory="1Gi")
    assert used(lab) == {first: 100, second: 800, third: 100}


def test_a_series_begins_when_it_is_set_and_outlives_the_pod(lab: SimulatedCluster) -> None:
    node = min(used(lab))
    lab.run(hours=2)
    lab.set_usage("agent", node, series=[(0, 200, 0), (3600, 900, 0)], every_s=7200)
    lab.run(minutes=50)
    assert used(lab)[node] == 200
    pod = next(each for each in portal.run(lab.client.list(PODS)).items if each["spec"]["nodeName"] == node)
    portal.run(lab.client.delete(PODS, pod["metadata"]["name"], "default"))
    lab.run(minutes=15)
    assert used(lab)[node] == 900
    lab.run(hours=1)
    assert used(lab)[node] == 200


def test_a_pod_that_is_annotated_anew_uses_that_from_then_on(lab: SimulatedCluster) -> None:
    node = min(used(lab))
    pod = next(each for each in portal.run(lab.client.list(PODS)).items if each["spec"]["nodeName"] == node)
    patch = {"metadata": {"annotations": {f"{PREFIX}cpu": "350m"}}}
    portal.run(lab.client.patch(PODS, pod["metadata"]["name"], patch, "default"))
    assert used(lab)[node] == 350


def test_a_series_without_meaning_is_refused_before_anything_changes(lab: SimulatedCluster) -> None:
    node = min(used(lab))
    with pytest.raises(DeclarationError, match="in order of time"):
        lab.set_usage("agent", node, series=[(60, 1, 1), (0, 1, 1)])
    with pytest.raises(NotFoundError):
        lab.set_usage("agent", "nowhere", cpu="1")
    assert used(lab)[node] == 100


def test_a_node_whose_declaration_means_nothing_says_so(lab: SimulatedCluster) -> None:
    node = min(used(lab))
    patch = {"metadata": {"annotations": {f"{NODE_PREFIX}default.agent": "much"}}}
    portal.run(lab.client.patch(NODES, node, patch))
    lab.run(seconds=1)
    told = [
        each for each in portal.run(lab.client.list(EVENTS)).items if each["reason"] == "InvalidSimulation"
    ]
    assert [each["involvedObject"]["name"] for each in told] == [node]


def test_a_scenario_changes_what_pods_use_on_a_node(lab: SimulatedCluster) -> None:
    first, second, third = sorted(used(lab))
    actions = [
        objects.use(600, "agent", "default", second, millicores=800, memory_bytes=1 << 30),
        objects.use(1200, "agent", "default", second, millicores=50, memory_bytes=1 << 20),
    ]
    lab.play(scenario("load", "Load on one node.", seed=1, hours=1, node_groups=[], actions=actions))
    lab.run(minutes=11)
    assert used(lab) == {first: 100, second: 800, third: 100}
    lab.run(minutes=10)
    assert used(lab) == {first: 100, second: 50, third: 100}
