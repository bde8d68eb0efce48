"""Which node groups serve a set."""

import pytest

from kubelab.autoscaling.advisor import advise
from kubelab.autoscaling.node_group_set import NodeGroupSet, choose, conflicts, group_of_set, set_of
from kubelab.client import Object
from tests.unit.autoscaling.advised import candidate, pods

TYPES = (
    "c6i.2xlarge",
    "c6i.4xlarge",
    "m6i.2xlarge",
    "m6i.4xlarge",
    "m6i.8xlarge",
    "r6i.2xlarge",
    "r6i.4xlarge",
)
ADVICE = advise([pods(14, cpu="1", memory="1Gi")], map(candidate, TYPES))


def a_set(*requirements: Object, **spec: object) -> NodeGroupSet:
    asked = {"requirements": list(requirements)} if requirements else {}
    return NodeGroupSet.of({"metadata": {"name": "web"}, "spec": {**asked, **spec}})


def names(wanted: NodeGroupSet, there: frozenset[str] = frozenset()) -> list[str]:
    return [each.name for each in choose(wanted, ADVICE, there)]


def test_set_without_requirements_gets_its_cheapest_type() -> None:
    assert names(a_set()) == ["c6i.2xlarge"]


def test_fallbacks_are_of_other_families() -> None:
    assert names(a_set({"name": "cheap", "cheapest": True, "fallbacks": 2})) == [
        "c6i.2xlarge",
        "m6i.2xlarge",
        "r6i.2xlarge",
    ]


def test_once_all_families_are_used_fallbacks_repeat_them() -> None:
    assert names(a_set({"name": "cheap", "cheapest": True, "fallbacks": 3}))[3] == "c6i.4xlarge"


def test_requirement_that_fits_a_size_takes_the_cheapest_node_with_so_much_free() -> None:
    assert names(a_set({"name": "big", "fits": {"cpu": "12", "memory": "100Gi"}})) == ["r6i.4xlarge"]


def test_each_requirement_gets_types_of_its_own() -> None:
    cheap, big = {"name": "cheap", "cheapest": True}, {"name": "big", "fits": {"cpu": "4"}}
    chosen = choose(a_set(cheap, big), ADVICE)
    assert [(each.name, each.requirement) for each in chosen] == [
        ("c6i.2xlarge", "cheap"),
        ("m6i.2xlarge", "big"),
    ]


def test_there_are_never_more_groups_than_allowed() -> None:
    wanted = a_set({"name": "cheap", "cheapest": True, "fallbacks": 9}, maxGroups=2)
    assert len(names(wanted)) == 2


def test_group_that_is_there_stays_while_another_is_only_a_little_cheaper() -> None:
    advice = advise([pods(14, cpu="1", memory="1Gi")], map(candidate, ("m6i.2xlarge", "m6a.2xlarge")))
    cheap, dear = (each.usd_per_hour for each in advice)
    assert dear * 0.9 == pytest.approx(cheap)
    assert choose(a_set(), advice, {"m6i.2xlarge"})[0].name == "m6a.2xlarge"
    near = advise([pods(14, cpu="1", memory="1Gi")], map(candidate, ("m6i.2xlarge", "m6i.4xlarge")))
    assert choose(a_set(), near, {"m6i.4xlarge"})[0].name == "m6i.4xlarge"


def test_why_names_the_cost_with_its_date() -> None:
    [chosen] = choose(a_set(), ADVICE)
    assert "2 x c6i.2xlarge at 0.34 USD/h (2026-07-20)" in chosen.why


def test_group_of_a_set_carries_its_selector_and_template() -> None:
    wanted = a_set(selector={"team": "a"}, template={"maxSize": 7, "labels": {"tier": "gold"}})
    group = group_of_set(wanted, "m6i.2xlarge")
    assert group["metadata"]["name"] == "web-m6i-2xlarge"
    assert group["spec"]["maxSize"] == 7
    assert group["spec"]["labels"] == {
        "tier": "gold",
        "team": "a",
        "autoscaling.kubelab.dev/node-group-set": "web",
    }


@pytest.mark.parametrize(
    ("other", "conflict"),
    [
        ({"team": "a"}, True),
        ({"team": "b"}, False),
        ({"tier": "gold"}, True),
        ({}, False),  # less specific: it gets the pods of nobody else
        ({"team": "a", "tier": "gold"}, False),
    ],
)
def test_sets_conflict_where_a_pod_may_belong_to_both(other: dict[str, str], conflict: bool) -> None:
    selectors = {"web": {"team": "a"}, "other": other}
    assert conflicts("web", selectors) == (("other",) if conflict else ())
    assert conflicts("other", selectors) == (("web",) if conflict else ())


def test_pod_belongs_to_the_most_specific_set() -> None:
    selectors = {"all": {}, "team": {"team": "a"}, "gold": {"team": "a", "tier": "gold"}}
    assert set_of({"team": "a", "tier": "gold"}, selectors) == "gold"
    assert set_of({"team": "a"}, selectors) == "team"
    assert set_of({}, selectors) == "all"
    assert set_of({}, {"team": {"team": "a"}}) == ""
