import pytest

from kubelab.node_template import (
    FAKE_NODE,
    NodeCountError,
    NodeTemplate,
    NodeTemplateError,
    simulated_node,
    simulated_nodes,
)
from kubelab.quantities import QuantityError


def test_a_node_is_what_its_template_says() -> None:
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    template = NodeTemplate.of(
        {
            "cpu": 8,
            "memory": "32Gi",
            "labels": {"pool": "large"},
            "taints": [taint],
            "resources": {"nvidia.com/gpu": 4},
            "zone": "a",
        }
    )
    node = simulated_node("node-3", template)
    assert node["metadata"]["annotations"] == {FAKE_NODE: "fake"}
    labels = node["metadata"]["labels"]
    assert (labels["type"], labels["pool"], labels["kubernetes.io/hostname"]) == ("kwok", "large", "node-3")
    assert labels["topology.kubernetes.io/zone"] == "a"
    assert node["spec"] == {"taints": [taint]}
    expected = {"cpu": "8", "memory": "32Gi", "pods": "110", "nvidia.com/gpu": "4"}
    assert node["status"] == {"capacity": expected, "allocatable": expected}


def test_a_node_has_no_zone_and_keeps_real_pods_off_unless_told() -> None:
    node = simulated_node("node", NodeTemplate.of(None))
    assert "topology.kubernetes.io/zone" not in node["metadata"]["labels"]
    assert node["spec"] == {"taints": [{"key": FAKE_NODE, "value": "fake", "effect": "NoSchedule"}]}
    assert simulated_node("node", NodeTemplate.of({"taints": []}))["spec"] == {}


def test_names_are_the_first_that_are_free() -> None:
    nodes = simulated_nodes(3, NodeTemplate(prefix="big"), {"big-1", "other"})
    assert [node["metadata"]["name"] for node in nodes] == ["big-0", "big-2", "big-3"]


def test_a_field_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(NodeTemplateError, match=r"no 'ram'\. It has: cpu, memory"):
        NodeTemplate.of({"ram": "1Gi"})


def test_what_is_no_quantity_is_refused() -> None:
    with pytest.raises(QuantityError, match="'plenty'"):
        simulated_nodes(1, NodeTemplate(memory="plenty"), ())


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(NodeCountError, match="-1 nodes cannot be added"):
        simulated_nodes(-1, NodeTemplate(), ())
