"""The environment of a container."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.engine.nodes.environment import (
    ConfigurationError,
    Sources,
    expand,
    field_value,
    references,
    resolve,
    resource_value,
)

POD: Object = {
    "metadata": {
        "name": "p",
        "namespace": "n",
        "uid": "u",
        "labels": {"a": 'q"', "b": "2"},
        "annotations": {"x/y": "1"},
    },
    "spec": {"nodeName": "node", "containers": [{"name": "c", "image": "i"}]},
}


def _sources(**more: object) -> Sources:
    return Sources(pod=POD, address="127.9.0.2", host_address="127.0.0.1", allocatable={"cpu": "2"}, **more)  # type: ignore[arg-type]


# The cases of kubernetes/third_party/forked/golang/expansion/expand_test.go (v1.33).
@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(VAR_A)", "A"),
        ("___$(VAR_B)___", "___B___"),
        ("$(VAR_A)-$(VAR_B)", "A-B"),
        ("$$(VAR_A)", "$(VAR_A)"),
        ("$$$(VAR_A)", "$A"),
        ("$$$$(VAR_A)", "$$(VAR_A)"),
        ("foo$$bar", "foo$bar"),
        ("$(MISSING)", "$(MISSING)"),
        ("$VAR_A", "$VAR_A"),
        ("$(VAR_A", "$(VAR_A"),
        ("$", "$"),
        ("$(EMPTY)", ""),
    ],
)
def test_references_are_expanded_as_upstream_does(text: str, expanded: str) -> None:
    assert expand(text, {"VAR_A": "A", "VAR_B": "B", "EMPTY": ""}) == expanded


@given(st.text(alphabet=st.characters(exclude_characters="$")))
def test_text_without_dollars_stays(text: str) -> None:
    assert expand(text, {}) == text


def test_later_variables_see_earlier_ones() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"}, {"name": "C", "value": "3"}]
    assert resolve({"env": env}, _sources(), {"PATH": "/bin"}) == {
        "PATH": "/bin",
        "A": "1",
        "B": "1$(C)",
        "C": "3",
    }


def test_optional_sources_may_be_missing() -> None:
    ref = {"name": "none", "key": "k", "optional": True}
    container = {"env": [{"name": "A", "valueFrom": {"secretKeyRef": ref}}], "envFrom": [{"secretRef": ref}]}
    assert resolve(container, _sources(), {}) == {}


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ({"configMapKeyRef": {"name": "none", "key": "k"}}, 'configmap "none" not found'),
        ({"secretKeyRef": {"name": "none", "key": "k"}}, 'secret "none" not found'),
        ({"configMapKeyRef": {"name": "map", "key": "k"}}, "couldn't find key k in ConfigMap n/map"),
    ],
)
def test_missing_sources_are_worded_as_upstream(ref: Object, message: str) -> None:
    container = {"env": [{"name": "A", "valueFrom": ref}]}
    with pytest.raises(ConfigurationError, match=message):
        resolve(container, _sources(config_maps={"map": {"data": {}}}), {})


def test_downward_fields() -> None:
    assert field_value(POD, "metadata.labels") == 'a="q\\""\nb="2"'
    assert field_value(POD, "metadata.annotations['x/y']") == "1"
    assert field_value(POD, "status.podIP", "127.9.0.2") == "127.9.0.2"
    with pytest.raises(ConfigurationError):
        field_value(POD, "spec.tolerations")


def test_resource_fields_round_up_and_default_to_the_nodes() -> None:
    container = {"name": "c", "resources": {"limits": {"memory": "1.5Mi"}, "requests": {"cpu": "250m"}}}
    assert resource_value(POD, container, {"resource": "limits.memory", "divisor": "1Mi"}, {}) == "2"
    assert resource_value(POD, container, {"resource": "requests.cpu", "divisor": "1m"}, {}) == "250"
    assert resource_value(POD, container, {"resource": "limits.cpu"}, {"cpu": "2"}) == "2"


def test_references_names_what_has_to_be_read() -> None:
    container = {
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        "envFrom": [{"configMapRef": {"name": "m"}}],
    }
    assert references({"spec": {"containers": [container]}}) == ({"m"}, {"s"})
