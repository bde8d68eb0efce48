"""What a daemon's containers get on a node whose group has no recommendation."""

from __future__ import annotations

from kubelab.client import Object
from kubelab.rightsizing.new_nodes.features import NodeFeatures
from kubelab.rightsizing.new_nodes.recommendation import FirstRecommendations


def node(cores: float = 8, memory: float = 2**34) -> NodeFeatures:
    return NodeFeatures({"cpu": cores, "memory": memory})


def agent(millicores: int, memory: int = 300_000_000) -> Object:
    return {"containerName": "agent", "target": {"cpu": f"{millicores}m", "memory": str(memory)}}


def grown(count: int = 6) -> FirstRecommendations:
    groups = {f"node-{at}": [agent(100 * (at + 1))] for at in range(count)}
    return FirstRecommendations(groups, {f"node-{at}": node(2 * (at + 1)) for at in range(count)})


def test_a_new_node_gets_a_target_between_its_bounds() -> None:
    found = grown().on(node(9))
    (container,) = found.containers
    assert container["containerName"] == "agent"
    assert container["target"] == {"cpu": "450m", "memory": "300000000"}
    assert container["lowerBound"].keys() == container["upperBound"].keys() == {"cpu", "memory"}
    cpu, memory = found.why.split("; ")
    assert cpu.startswith("agent cpu: 450m, in 86% of cases 450m to 450m, from 6 groups by cpu^1 (6 on")
    assert memory.startswith("agent memory: 300000000, in 86% of cases")


def test_no_more_is_given_than_the_node_has() -> None:
    groups = {name: [agent(5000)] for name in "abc"}
    found = FirstRecommendations(groups, dict.fromkeys("abc", node(16)))
    (container,) = found.on(node(2, memory=2**27)).containers
    assert container["target"] == {"cpu": "2000m", "memory": str(2**27)}


def test_few_groups_predict_nothing() -> None:
    assert grown(2).on(node()).containers == ()


def test_groups_whose_nodes_are_gone_do_not_count() -> None:
    groups = {name: [agent(100)] for name in "abcd"}
    found = FirstRecommendations(groups, dict.fromkeys("abc", node())).on(node())
    assert found.evidence["agent", "cpu"].groups == 3


def test_containers_are_told_apart() -> None:
    helper = {"containerName": "helper", "target": {"cpu": "25m"}}
    groups = {name: [agent(100), helper] for name in "abc"}
    agents, helpers = FirstRecommendations(groups, dict.fromkeys("abc", node())).on(node()).containers
    assert agents["target"]["cpu"] == "100m"
    assert helpers["target"] == {"cpu": "25m"}
