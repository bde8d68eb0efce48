"""JSON patch and merge patch: the RFCs' own examples, upstream's errors, and their laws."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.engine.apiserver.patches import json_patch, merge_patch
from kubelab.errors import ApiError, InvalidError

keys = st.text(alphabet="ab/~", min_size=1, max_size=3)
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.text(alphabet="xy", max_size=2)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(keys, documents, max_size=4)
objects_without_nulls = st.dictionaries(
    keys,
    st.recursive(
        st.booleans() | st.integers(-3, 3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@pytest.mark.parametrize(
    ("document", "operations", "expected"),
    [  # RFC 6902, appendix A, wrapped where the root is a list
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
        (
            {"foo": ["bar", "baz"]},
            [{"op": "add", "path": "/foo/1", "value": "qux"}],
            {"foo": ["bar", "qux", "baz"]},
        ),
        ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
        ({"baz": "qux"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo"}),
        (
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
        ),
        (
            {"foo": ["all", "grass", "cows", "eat"]},
            [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
            {"foo": ["all", "cows", "eat", "grass"]},
        ),
        (
            {"baz": "qux", "foo": ["a", 2, "c"]},
            [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}],
            {"baz": "qux", "foo": ["a", 2, "c"]},
        ),
        (
            {"foo": "bar"},
            [{"op": "add", "path": "/child", "value": {"grandchild": {}}}],
            {"foo": "bar", "child": {"grandchild": {}}},
        ),
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc"]}], {"foo": ["bar", ["abc"]]}),
        ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}),
        ({"foo": 1}, [{"op": "add", "path": "", "value": {"bar": 2}}], {"bar": 2}),
        ({"foo": [1, 2]}, [{"op": "remove", "path": "/foo/-1"}], {"foo": [1]}),
    ],
)
def test_json_patch_follows_rfc_6902(document: Object, operations: list[Object], expected: Object) -> None:
    before = copy.deepcopy((document, operations))
    assert json_patch(document, operations) == expected
    assert (document, operations) == before


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (
            {"op": "add", "path": "/nowhere/x", "value": 1},
            'add operation does not apply: doc is missing path: "/nowhere/x": missing value',
        ),
        (
            {"op": "remove", "path": "/spec/none"},
            "error in remove for path: '/spec/none': Unable to remove nonexistent key: none: missing value",
        ),
        (
            {"op": "test", "path": "/spec/replicas", "value": 2},
            "testing value /spec/replicas failed: test failed",
        ),
        (
            {"op": "test", "path": "/spec/replicas", "value": True},
            "testing value /spec/replicas failed: test failed",
        ),
        (
            {"op": "add", "path": "/list/7", "value": 1},
            "error in add for path: '/list/7': Unable to access invalid index: 7: invalid index referenced",
        ),
        ({"op": "spin", "path": "/spec"}, "Unexpected kind: spin"),
        (
            {"op": "move", "from": "/spec", "path": "/spec/below"},
            "move operation does not apply: /spec/below lies in /spec",
        ),
    ],
)
def test_an_operation_that_does_not_apply_says_why(operation: Object, reason: str) -> None:
    with pytest.raises(InvalidError) as refused:
        json_patch({"spec": {"replicas": 1}, "list": [1]}, [operation])
    assert refused.value.code == 422
    assert refused.value.message == "the server rejected our request due to an error in our request"
    assert refused.value.causes[0]["message"] == reason


def test_a_test_of_a_missing_value_passes_only_for_null() -> None:
    assert json_patch({"a": 1}, [{"op": "test", "path": "/b", "value": None}]) == {"a": 1}


def test_a_patch_may_not_have_more_than_ten_thousand_operations() -> None:
    with pytest.raises(ApiError) as refused:
        json_patch({}, [{"op": "add", "path": "/a", "value": 1}] * 10_001)
    assert refused.value.code == 413


@pytest.mark.parametrize("patch", [{}, "text", [1]])
def test_what_is_no_json_patch_is_a_bad_request(patch: Any) -> None:
    with pytest.raises(ApiError) as refused:
        json_patch({}, patch)
    assert refused.value.code == 400


@given(objects, objects)
def test_applying_a_difference_gives_the_target(source: Object, target: Object) -> None:
    assert json_patch(source, _difference(source, target, "")) == target


@pytest.mark.parametrize(
    ("original", "patch", "result"),
    [  # RFC 7386, appendix A, those whose root is an object
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_follows_rfc_7386(original: Object, patch: Object, result: Object) -> None:
    before = copy.deepcopy((original, patch))
    assert merge_patch(original, patch) == result
    assert (original, patch) == before


@given(objects)
def test_an_empty_merge_patch_changes_nothing(document: Object) -> None:
    assert merge_patch(document, {}) == document


@given(objects, objects)
def test_a_merge_patch_applied_twice_is_applied_once(document: Object, patch: Object) -> None:
    once = merge_patch(document, patch)
    assert merge_patch(once, patch) == once


@given(objects_without_nulls, objects_without_nulls)
def test_a_merge_patch_can_lead_from_any_document_to_any_other(source: Object, target: Object) -> None:
    cleared = merge_patch(source, dict.fromkeys(source))
    assert cleared == {}
    assert merge_patch(cleared, target) == target


def _difference(source: Any, target: Any, path: str) -> list[Object]:
    """Return a JSON patch from one document to another, key by key for objects."""
    if not isinstance(source, dict) or not isinstance(target, dict):
        same = source == target and isinstance(source, bool) == isinstance(target, bool)
        return [] if same else [{"op": "replace", "path": path, "value": target}]
    operations: list[Object] = []
    for key in source.keys() | target.keys():
        below = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
        if key not in target:
            operations.append({"op": "remove", "path": below})
        elif key not in source:
            operations.append({"op": "add", "path": below, "value": target[key]})
        else:
            operations += _difference(source[key], target[key], below)
    return operations
