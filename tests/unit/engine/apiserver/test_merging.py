"""How server-side apply merges, compares and cuts values by their structure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.engine.apiserver.fieldsets import describe, tree
from kubelab.engine.apiserver.merging import ABSENT, compare, merge, without
from kubelab.engine.apiserver.schemas import Schema
from kubelab.engine.apiserver.typed import field_set

SCHEMA = Schema(
    {
        "type": "object",
        "properties": {
            "count": {"type": "integer"},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "whole": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "x-kubernetes-map-type": "atomic",
            },
            "set": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
            "list": {"type": "array", "items": {"type": "string"}},
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "value": {"type": "integer"}},
                },
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
            "free": {"x-kubernetes-preserve-unknown-fields": True},
        },
    }
)
LETTERS = st.sampled_from("abcdef")
# Not empty: an empty map counts as a field only until something is in it.
TEXTS = st.dictionaries(LETTERS, LETTERS, min_size=1, max_size=3)
LISTS = st.lists(LETTERS, max_size=4, unique=True)
ITEMS = st.lists(
    st.fixed_dictionaries({"name": LETTERS}, optional={"value": st.integers(0, 2)}),
    max_size=4,
    unique_by=lambda item: str(item["name"]),
)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "count": st.integers(0, 2),
        "labels": TEXTS,
        "whole": TEXTS,
        "set": LISTS,
        "list": LISTS,
        "items": ITEMS,
        "free": st.fixed_dictionaries({}, optional={"a": TEXTS, "b": LISTS}).filter(bool),
    },
)


@pytest.mark.parametrize(
    ("live", "applied", "merged"),
    [
        ("abc", "", "abc"),
        ("", "abc", "abc"),
        ("abc", "ca", "bca"),
        ("abc", "def", "abcdef"),
        ("abc", "adb", "adbc"),
        ("ab", "cb", "acb"),
        ("abcd", "dxb", "acdxb"),
        ("aab", "b", "aab"),
        ("aab", "ab", "ab"),
    ],
)
def test_the_order_of_merged_lists(live: str, applied: str, merged: str) -> None:
    assert merge({"set": list(live)}, {"set": list(applied)}, SCHEMA)["set"] == list(merged)


@given(LISTS, LISTS)
def test_a_merged_set_has_every_member_once_and_both_orders(live: list[str], applied: list[str]) -> None:
    merged = merge({"set": live}, {"set": applied}, SCHEMA)["set"]
    assert sorted(merged) == sorted({*live, *applied})
    assert [member for member in merged if member in applied] == applied
    only_live = [member for member in live if member not in applied]
    assert [member for member in merged if member in only_live] == only_live


@given(OBJECTS, OBJECTS)
def test_a_merge_sets_every_applied_field_and_keeps_every_other(live: Object, applied: Object) -> None:
    merged = merge(live, applied, SCHEMA)
    assert field_set(applied, SCHEMA) <= field_set(merged, SCHEMA)
    assert not compare(merge(merged, applied, SCHEMA), merged, SCHEMA).modified
    lost = compare(live, merged, SCHEMA).removed
    assert not lost


@given(OBJECTS)
def test_an_object_does_not_differ_from_itself(value: Object) -> None:
    change = compare(value, value, SCHEMA)
    assert not (change.added or change.modified or change.removed)


@given(OBJECTS, OBJECTS)
def test_a_comparison_reads_backwards(old: Object, new: Object) -> None:
    there, back = compare(old, new, SCHEMA), compare(new, old, SCHEMA)
    assert there.modified == back.modified
    assert field_set(old, SCHEMA) - field_set(new, SCHEMA) <= there.removed | there.modified
    assert field_set(new, SCHEMA) - field_set(old, SCHEMA) <= there.added | there.modified


@given(OBJECTS)
def test_without_its_fields_nothing_is_left(value: Object) -> None:
    rest = without(value, tree(field_set(value, SCHEMA)), SCHEMA)
    left: Any = set() if rest is ABSENT else field_set(rest, SCHEMA)
    assert not left & field_set(value, SCHEMA)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("f:spec", "f:replicas"), ".spec.replicas"),
        (("f:items", 'k:{"name":"a"}', "f:value"), '.items[name="a"].value'),
        (("f:ports", 'k:{"containerPort":80,"protocol":"TCP"}'), '.ports[containerPort=80,protocol="TCP"]'),
        (("f:set", 'v:"a"'), '.set[="a"]'),
        (("f:list", "i:0"), ".list[0]"),
    ],
)
def test_paths_read_as_upstreams(path: tuple[str, ...], text: str) -> None:
    assert describe(path) == text
