"""Grouping a DaemonSet's pods by a label of their nodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.rightsizing.scopes import (
    ABSENT,
    HOSTNAME,
    Recommendations,
    aggregation_label,
    checkpoint_name,
    persisted,
    recommendation_groups,
    restored,
    scope_of,
    scope_value,
)

GPU = "nvidia.com/gpu.present"


def target(cpu: str) -> Object:
    return {"containerName": "agent", "target": {"cpu": cpu}}


def vpa(scope: str = GPU, kind: str = "DaemonSet", aggregate: str = "250m", **groups: str) -> Object:
    return {
        "spec": {"targetRef": {"apiVersion": "apps/v1", "kind": kind, "name": "agent"}, "scope": scope},
        "status": {
            "recommendation": {"containerRecommendations": [target(aggregate)] if aggregate else []},
            "recommendationGroups": recommendation_groups(
                {name: [target(cpu)] for name, cpu in groups.items()}
            ),
        },
    }


def cpu(found: tuple[Object, ...]) -> str:
    return str(found[0]["target"]["cpu"])


def test_each_pod_gets_the_target_of_its_nodes_group() -> None:
    found = Recommendations.of(vpa(true="500m", false="90m", __absent__="100m"))
    assert cpu(found.on("a", {GPU: "true"}).containers) == "500m"
    assert cpu(found.on("b", {GPU: "false"}).containers) == "90m"
    assert cpu(found.on("c", {}).containers) == "100m"
    assert found.on("c", {}).scope_value == ABSENT


def test_a_pod_of_a_group_never_seen_gets_what_all_pods_together_get() -> None:
    selected = Recommendations.of(vpa(true="500m")).on("a", {GPU: "maybe"})
    assert (cpu(selected.containers), selected.origin, selected.scope_value) == ("250m", "aggregate", "maybe")


def test_a_pod_whose_node_is_not_known_gets_what_all_pods_together_get() -> None:
    found = Recommendations.of(vpa(true="500m", __absent__="100m"))
    for selected in (found.on("", {}), found.on("a", None)):
        assert (cpu(selected.containers), selected.scope_value) == ("250m", None)


def test_without_any_recommendation_the_template_stands() -> None:
    selected = Recommendations.of({"spec": vpa()["spec"]}).on("a", {GPU: "true"})
    assert (selected.containers, selected.origin) == ((), "none")


def test_a_group_without_containers_counts_as_missing() -> None:
    obj = vpa()
    obj["status"]["recommendationGroups"] = [{"scopeValue": "true"}]
    assert Recommendations.of(obj).on("a", {GPU: "true"}).origin == "aggregate"


def test_the_scope_of_anything_but_a_daemon_set_does_not_count() -> None:
    assert scope_of(vpa(kind="Deployment")) == ""
    assert (
        cpu(Recommendations.of(vpa(kind="Deployment", true="500m")).on("a", {GPU: "true"}).containers)
        == "250m"
    )


def test_the_hostname_scope_needs_no_node_but_its_name() -> None:
    assert scope_value(HOSTNAME, "node-3", None) == "node-3"
    assert scope_value(HOSTNAME, "node-3", {HOSTNAME: "other"}) == "node-3"


def test_groups_carry_targets_alone_and_are_in_order() -> None:
    full = {**target("500m"), "lowerBound": {"cpu": "1m"}, "upperBound": {"cpu": "9"}, "uncappedTarget": {}}
    assert recommendation_groups({"b": [full], "": [full]}) == [
        {"scopeValue": "", "containerRecommendations": [target("500m")]},
        {"scopeValue": "b", "containerRecommendations": [target("500m")]},
    ]


@pytest.mark.parametrize(
    ("kept", "name"),
    [
        ("", "vpa-1-agent"),
        # FNV-1a of "a" and "foobar", as the authors of FNV publish them
        ("a", "vpa-1-agent-e40c292c"),
        ("foobar", "vpa-1-agent-bf9cf968"),
    ],
)
def test_checkpoints_are_named_by_a_hash_of_their_scope_value(kept: str, name: str) -> None:
    assert checkpoint_name("vpa-1", "agent", kept) == name


def test_the_label_that_samples_are_told_apart_by_is_no_label_of_a_user() -> None:
    assert aggregation_label("a") == "__vpa_scope_e40c292c"


@given(st.text(alphabet="abc-_.", max_size=63))
def test_a_scope_value_survives_its_checkpoint(value: str) -> None:
    assert persisted(value) != ""
    assert restored(persisted(value)) == value
