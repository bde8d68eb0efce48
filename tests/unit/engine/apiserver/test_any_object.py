"""Whatever decodes can be defaulted and validated: no object of right types is an exception."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.engine.apiserver.decoding import prune, unknown_fields, wrong_type
from kubelab.engine.apiserver.defaults import default
from kubelab.engine.apiserver.kinds import Kind, Kinds
from kubelab.engine.apiserver.schemas import Schema, schema_of
from kubelab.engine.apiserver.validation import validate
from kubelab.engine.apiserver.validation.causes import Cause

KINDS = Kinds().all()
TEXTS = (
    "",
    "a",
    "A b",
    "x/y",
    "1",
    "None",
    "RollingUpdate",
    "Indexed",
    "Always",
    "In",
    "10%",
    "*",
    "../x",
    "10.0.0.1",
)
QUANTITIES = ("1", "-1", "500m", "1Gi", 0, 2.5, "1e3")
NUMBERS = (-1, 0, 1, 2, 80, 70000)
LEAVES: dict[str, tuple[Any, ...]] = {
    "quantity": QUANTITIES,
    "int-or-string": (0, 1, -1, "10%", "x", ""),
    "date-time": ("2026-01-01T00:00:00Z",),
    "micro-time": ("2026-01-01T00:00:00.000000Z",),
    "byte": ("", "aGVsbG8="),
}


def value_of(schema: Schema | None, random: Random, depth: int) -> Any:
    """Return a random value of a schema's type, with half of the fields of each object."""
    if schema is None or schema.free_form:
        return random.choice([{}, {"a": [1]}, "x", 1])
    if schema.format in LEAVES:
        return random.choice(LEAVES[schema.format])
    match schema.type:
        case "object":
            return object_of(schema, random, depth)
        case "array":
            count = random.choice([0, 1, 2]) if depth > 0 else 0
            return [value_of(schema.items, random, depth - 1) for _ in range(count)]
        case "integer" | "number":
            return random.choice(NUMBERS)
        case "boolean":
            return random.random() < 0.5
        case _:
            return random.choice(TEXTS)


def object_of(schema: Schema, random: Random, depth: int) -> Object:
    if depth <= 0:
        return {}
    fields = [name for name in schema.properties if random.random() < 0.6]
    obj = {name: value_of(schema.child(name), random, depth - 1) for name in fields}
    if schema.values is not None:
        obj |= {key: value_of(schema.values, random, depth - 1) for key in random.sample(TEXTS[1:], 2)}
    return obj


def checked(kind: Kind, obj: Object, old: Object | None = None, subresource: str = "") -> list[Cause]:
    causes = validate(kind, obj, old, subresource)
    assert all(cause.reason and cause.message for cause in causes)
    return causes


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.resource.api_version} {kind.resource.kind}")
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), depth=st.integers(2, 9))
def test_any_object_that_decodes_is_defaulted_and_validated(kind: Kind, seed: int, depth: int) -> None:
    random = Random(seed)
    old, new = (object_of(schema_of(kind), random, depth) for _ in range(2))
    for obj in (old, new):
        obj["metadata"] = {**obj.get("metadata", {}), "name": "x"}
        assert wrong_type(kind, obj) == ""
        assert unknown_fields(kind, obj) == []
        assert prune(kind, deepcopy(obj)) == obj
        default(kind, obj)
        checked(kind, obj)
    checked(kind, new, old)
    checked(kind, new, old, "status")
    assert not [cause for cause in checked(kind, new, new) if "immutable" in cause.message]
