"""Strategic merge patch: lists merge by their keys, and directives do what upstream's do."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.engine.apiserver.kinds import Kinds
from kubelab.engine.apiserver.schemas import Schema, schema_of
from kubelab.engine.apiserver.strategic import strategic_merge_patch
from kubelab.errors import ApiError

KINDS = Kinds()


def schema(group: str, plural: str) -> Schema:
    kind = KINDS.get(group, "v1", plural)
    assert kind is not None
    return schema_of(kind)


POD = schema("", "pods")
DEPLOYMENT = schema("apps", "deployments")
names = st.sampled_from("abcdef")
containers = st.lists(st.builds(lambda name, image: {"name": name, "image": image}, names, names), max_size=5)
distinct = containers.map(lambda items: list({item["name"]: item for item in items}.values()))


def patched(obj: Object, patch: Any, structure: Schema = POD) -> Object:
    before = copy.deepcopy((obj, patch))
    result = strategic_merge_patch(obj, patch, structure)
    assert (obj, patch) == before
    return result


def pod(*items: Object) -> Object:
    return {"spec": {"containers": list(items)}}


def test_a_container_is_found_by_its_name() -> None:
    old = pod({"name": "a", "image": "one"}, {"name": "b"})
    new = patched(old, pod({"name": "a", "image": "two"}))
    assert new == pod({"name": "a", "image": "two"}, {"name": "b"})


def test_a_new_container_comes_before_those_that_only_the_server_has() -> None:
    # as in the documentation of kubectl patch: patch-demo-ctr-2 stands first
    new = patched(pod({"name": "ctr"}), pod({"name": "ctr-2"}))
    assert new == pod({"name": "ctr-2"}, {"name": "ctr"})


def test_set_element_order_orders_and_keeps_the_places_of_others() -> None:
    patch = {
        "spec": {
            "containers": [{"name": "d"}],
            "$setElementOrder/containers": [{"name": "c"}, {"name": "d"}, {"name": "a"}],
        }
    }
    new = patched(pod({"name": "a"}, {"name": "b"}, {"name": "c"}), patch)
    assert [item["name"] for item in new["spec"]["containers"]] == ["b", "c", "d", "a"]


def test_set_element_order_alone_reorders() -> None:
    patch = {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}}
    assert patched(pod({"name": "a"}, {"name": "b"}), patch) == pod({"name": "b"}, {"name": "a"})


def test_set_element_order_must_follow_the_patch() -> None:
    patch = {
        "spec": {
            "containers": [{"name": "b"}, {"name": "a"}],
            "$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
        }
    }
    with pytest.raises(ApiError, match="doesn't match"):
        patched(pod({"name": "a"}), patch)


def test_patch_delete_takes_an_item_away() -> None:
    new = patched(pod({"name": "a"}, {"name": "b"}), pod({"$patch": "delete", "name": "a"}))
    assert new == pod({"name": "b"})


def test_patch_replace_replaces_a_list_or_an_object() -> None:
    old = {"spec": {"containers": [{"name": "a"}], "nodeSelector": {"x": "1"}}}
    patch = {
        "spec": {
            "containers": [{"name": "b"}, {"$patch": "replace"}],
            "nodeSelector": {"y": "2", "$patch": "replace"},
        }
    }
    assert patched(old, patch) == {"spec": {"containers": [{"name": "b"}], "nodeSelector": {"y": "2"}}}


def test_a_list_without_a_strategy_is_replaced() -> None:
    old = {"spec": {"tolerations": [{"key": "a"}]}}
    assert patched(old, {"spec": {"tolerations": [{"key": "b"}]}}) == {
        "spec": {"tolerations": [{"key": "b"}]}
    }


def test_a_set_of_scalars_is_united_and_can_lose_members() -> None:
    old = {"metadata": {"finalizers": ["a", "b"]}}
    assert patched(old, {"metadata": {"finalizers": ["b", "c"]}}) == {
        "metadata": {"finalizers": ["a", "b", "c"]}
    }
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}
    assert patched(old, patch) == {"metadata": {"finalizers": ["b"]}}


def test_retain_keys_drops_what_a_union_no_longer_has() -> None:
    old = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert patched(old, patch, DEPLOYMENT) == {"spec": {"strategy": {"type": "Recreate"}}}


def test_retain_keys_must_name_what_the_patch_sets() -> None:
    patch = {"spec": {"strategy": {"$retainKeys": ["other"], "type": "Recreate"}}}
    with pytest.raises(ApiError, match="retainKeys"):
        patched({"spec": {"strategy": {}}}, patch, DEPLOYMENT)


def test_null_removes_a_field_and_is_not_stored() -> None:
    old = {"metadata": {"labels": {"a": "1", "b": "2"}}}
    patch = {"metadata": {"labels": {"a": None}, "annotations": {"c": None}}}
    assert patched(old, patch) == {"metadata": {"labels": {"b": "2"}, "annotations": {}}}


def test_an_item_needs_its_merge_key() -> None:
    with pytest.raises(ApiError, match=r"map: map\[image:x\] does not contain declared merge key: name"):
        patched(pod({"name": "a"}), pod({"image": "x"}))


def test_an_unknown_directive_is_refused() -> None:
    with pytest.raises(ApiError, match="unknown patch type: burn"):
        patched({"spec": {}}, {"spec": {"$patch": "burn"}})


@given(distinct, distinct)
def test_merging_containers_applies_every_change_and_loses_none(
    old: list[Object], change: list[Object]
) -> None:
    new = patched(pod(*old), pod(*change))["spec"]["containers"]
    found = {item["name"]: item for item in new}
    assert len(found) == len(new)
    assert found == {item["name"]: item for item in [*old, *change]}
    order = [item["name"] for item in new]
    for given_order in (
        change,
        [item for item in old if item["name"] not in {one["name"] for one in change}],
    ):
        wanted = [item["name"] for item in given_order]
        assert [name for name in order if name in wanted] == wanted


@given(distinct, distinct)
def test_the_difference_kubectl_computes_leads_to_the_target(old: list[Object], new: list[Object]) -> None:
    kept = {item["name"] for item in new}
    patch = {
        "spec": {
            "$setElementOrder/containers": [{"name": item["name"]} for item in new],
            "containers": [
                *new,
                *({"$patch": "delete", "name": item["name"]} for item in old if item["name"] not in kept),
            ],
        }
    }
    assert patched(pod(*old), patch) == pod(*new)
