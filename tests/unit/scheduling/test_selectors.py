import pytest

from kubelab.scheduling.selectors import NodeTerm, Selector, Taint, Toleration, untolerated


@pytest.mark.parametrize(
    ("expression", "labels", "matches"),
    [
        ({"key": "a", "operator": "In", "values": ["1", "2"]}, {"a": "2"}, True),
        ({"key": "a", "operator": "In", "values": ["1"]}, {}, False),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, {}, True),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, {"a": "1"}, False),
        ({"key": "a", "operator": "Exists"}, {"a": ""}, True),
        ({"key": "a", "operator": "DoesNotExist"}, {"a": ""}, False),
        ({"key": "a", "operator": "Gt", "values": ["3"]}, {"a": "10"}, True),
        ({"key": "a", "operator": "Lt", "values": ["3"]}, {"a": "10"}, False),
        ({"key": "a", "operator": "Gt", "values": ["3"]}, {"a": "ten"}, False),
    ],
)
def test_expressions_match_as_in_kubernetes(
    expression: dict[str, object], labels: dict[str, str], matches: bool
) -> None:
    assert Selector.of({"matchExpressions": [expression]}).matches(labels) is matches


def test_an_empty_label_selector_matches_all_and_an_empty_node_term_none() -> None:
    assert Selector.of({}).matches({"a": "1"})
    assert not NodeTerm.of({}).matches("node", {"a": "1"})


def test_a_field_term_matches_the_nodes_name() -> None:
    term = NodeTerm.of({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]})
    assert term.matches("n1", {})
    assert not term.matches("n2", {})
    assert term.node_names == {"n1"}


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        ({"key": "gpu", "value": "yes", "effect": "NoSchedule"}, True),
        ({"key": "gpu", "value": "no"}, False),
        ({"key": "gpu", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "gpu", "operator": "Exists", "effect": "NoExecute"}, False),
    ],
)
def test_tolerations(toleration: dict[str, str], tolerated: bool) -> None:
    taint = Taint("gpu", "yes", "NoSchedule")
    found = untolerated((taint,), (Toleration.of(toleration),))
    assert found == (None if tolerated else taint)


def test_a_taint_that_only_prefers_does_not_keep_pods_off() -> None:
    assert untolerated((Taint("a", "", "PreferNoSchedule"),), ()) is None
