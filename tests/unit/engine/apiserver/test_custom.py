"""Custom kinds: their definitions, values, defaults and rules."""

# ruff: noqa: E501 - upstream's sentences are kept whole

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.engine.apiserver.crds import set_status, version_priority
from kubelab.engine.apiserver.decoding import prune, unknown_fields, wrong_type
from kubelab.engine.apiserver.defaults import default
from kubelab.engine.apiserver.kinds import Kind, Kinds
from kubelab.engine.apiserver.validation import validate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STRING = {"type": "string"}


def definition(spec_schema: Object, *, rules: list[Object] | None = None, plural: str = "widgets") -> Object:
    root: Object = {"type": "object", "properties": {"spec": spec_schema}}
    if rules:
        root["x-kubernetes-validations"] = rules
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": root}}
    crd: Object = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": "Widget"},
            "versions": [version],
        },
    }
    default(crd_kind(), crd)
    return crd


def crd_kind() -> Kind:
    kind = Kinds().get("apiextensions.k8s.io", "v1", "customresourcedefinitions")
    assert kind is not None
    return kind


def served(crd: Object) -> Kind:
    kinds = Kinds()
    kinds.add_crd(crd)
    kind = kinds.by_gvk("example.com", "v1", "Widget")
    assert kind is not None
    return kind


def spec_kind(properties: Object, **more: Any) -> Kind:
    return served(definition({"type": "object", "properties": properties, **more}))


def widget(**spec: Any) -> Object:
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": "default"},
        "spec": spec,
    }


def problems(kind: Kind, obj: Object, old: Object | None = None) -> list[str]:
    return [f"{cause.field}: {cause.message}" for cause in validate(kind, obj, old)]


def test_a_good_definition_is_accepted_and_established() -> None:
    crd = definition({"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    assert problems(crd_kind(), crd) == []
    set_status(crd, Kinds(), NOW)
    assert crd["status"]["storedVersions"] == ["v1"]
    assert crd["status"]["acceptedNames"]["listKind"] == "WidgetList"
    assert [(c["type"], c["status"], c["reason"]) for c in crd["status"]["conditions"]] == [
        ("NamesAccepted", "True", "NoConflicts"),
        ("Established", "True", "InitialNamesAccepted"),
    ]


def test_a_name_that_is_taken_is_not_accepted() -> None:
    kinds = Kinds()
    kinds.add_crd(definition({"type": "object"}))
    other = definition({"type": "object"}, plural="gadgets")
    set_status(other, kinds, NOW)
    condition, established = other["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "SingularConflict")
    assert condition["message"] == '"widget" is already in use'
    assert (established["type"], established["status"]) == ("Established", "False")


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"properties": {"a": {}}, "type": "object"}, "properties[a].type: Required value: must not be empty for specified object fields"),
        ({"type": "strange"}, 'type: Unsupported value: "strange": supported values: "array", "boolean", "integer", "number", "object", "string"'),
        ({"type": "array"}, "items: Required value: must be specified"),
        ({"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"},
         "x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"),
        ({"type": "object", "properties": {"a": STRING}, "additionalProperties": STRING},
         "additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"),
        ({"type": "string", "anyOf": [{"type": "string"}]}, "anyOf[0].type: Forbidden: must be empty to be structural"),
        ({"type": "string", "pattern": "("}, 'pattern: Invalid value: "(": must be a valid regular expression'),
        ({"type": "string", "$ref": "#/x"}, "$ref: Forbidden: $ref is not supported"),
        ({"type": "string", "x-kubernetes-validations": [{"rule": "self =="}]},
         'x-kubernetes-validations[0].rule: Invalid value: "self ==": compilation failed:'),
    ],
)  # fmt: skip
def test_a_schema_must_be_structural(schema: Object, problem: str) -> None:
    found = problems(crd_kind(), definition(schema))
    assert len(found) == 1, found
    assert found[0].startswith(f"spec.validation.openAPIV3Schema.properties[spec].{problem}")


def test_a_default_must_obey_its_own_schema() -> None:
    crd = definition({"type": "object", "properties": {"n": {"type": "integer", "default": "x"}}})
    assert problems(crd_kind(), crd) == [
        (
            "spec.validation.openAPIV3Schema.properties[spec].properties[n].default: "
            'Invalid value: "x": must be a valid value of its own schema'
        )
    ]


def test_custom_objects_may_have_any_qualified_finalizer() -> None:
    obj = widget()
    obj["metadata"]["finalizers"] = ["widgets.example.com"]
    assert problems(spec_kind({}), obj) == []


def test_a_definitions_name_is_its_plural_and_group() -> None:
    crd = definition({"type": "object"})
    crd["metadata"]["name"] = "other"
    assert problems(crd_kind(), crd) == [
        'metadata.name: Invalid value: "other": must be spec.names.plural+"."+spec.group'
    ]


def test_versions_are_ordered_as_upstream_orders_them() -> None:
    versions = ["v1beta1", "foo", "v10", "v1alpha2", "v2", "v1beta2", "v1"]
    ordered = sorted(versions, key=version_priority)
    assert ordered == ["v10", "v2", "v1", "v1beta2", "v1beta1", "v1alpha2", "foo"]


def test_unknown_fields_are_pruned_unless_preserved() -> None:
    kind = spec_kind(
        {"known": STRING, "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    )
    obj = widget(known="a", other=1, free={"x": {"y": None}})
    assert unknown_fields(kind, obj) == ['unknown field "spec.other"']
    assert prune(kind, obj)["spec"] == {"known": "a", "free": {"x": {"y": None}}}


def test_only_metadata_is_decoded_strictly() -> None:
    kind = spec_kind({"a": STRING})
    assert wrong_type(kind, widget(a=1)) == ""
    obj = widget()
    obj["metadata"]["labels"] = {"a": 1}
    assert "cannot unmarshal number into Go struct field ObjectMeta.labels" in wrong_type(kind, obj)


def test_defaults_fill_what_is_absent_at_every_depth() -> None:
    inner = {"type": "object", "properties": {"n": {"type": "integer", "default": 3}}}
    kind = spec_kind(
        {
            "policy": {**inner, "default": {}},
            "absent": inner,
            "list": {"type": "array", "items": inner},
            "map": {"type": "object", "additionalProperties": inner},
            "null": {**STRING, "default": "x"},
        }
    )
    obj = widget(list=[{}, {"n": 1}], map={"k": {}}, null=None)
    default(kind, obj)
    assert obj["spec"] == {
        "policy": {"n": 3},
        "list": [{"n": 3}, {"n": 1}],
        "map": {"k": {"n": 3}},
        "null": "x",
    }
    other = widget()
    default(kind, other)
    other["spec"]["policy"]["n"] = 9
    again = widget()
    default(kind, again)
    assert again["spec"]["policy"] == {"n": 3}  # defaults are not shared between objects


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ({"type": "integer"}, "x", 'Invalid value: "string": spec.a in body must be of type integer: "string"'),
        ({"type": "integer", "minimum": 1}, 0, "Invalid value: 0: spec.a in body should be greater than or equal to 1"),
        ({"type": "integer", "maximum": 1}, 2, "Invalid value: 2: spec.a in body should be less than or equal to 1"),
        ({**STRING, "enum": ["x", "y"]}, "z", 'Unsupported value: "z": supported values: "x", "y"'),
        ({**STRING, "pattern": "^a+$"}, "b", "Invalid value: \"b\": spec.a in body should match '^a+$'"),
        ({**STRING, "maxLength": 1}, "ab", "Too long: may not be more than 1 bytes"),
        ({**STRING, "minLength": 1}, "", 'Invalid value: "": spec.a in body should be at least 1 chars long'),
        ({**STRING, "format": "date-time"}, "x", 'Invalid value: "x": spec.a in body must be of type date-time: "x"'),
        ({"type": "array", "items": STRING, "maxItems": 1}, ["a", "b"], "Too many: 2: must have at most 1 item"),
        ({"type": "array", "items": STRING, "minItems": 1}, [], "Invalid value: 0: spec.a in body should have at least 1 items"),
        ({"x-kubernetes-int-or-string": True}, True, 'Invalid value: "boolean": spec.a in body must be of type integer,string: "boolean"'),
        (STRING, None, 'Invalid value: "null": spec.a in body must be of type string: "null"'),
    ],
)  # fmt: skip
def test_a_value_that_breaks_the_schema_is_named(schema: Object, value: object, problem: str) -> None:
    assert problems(spec_kind({"a": schema}), widget(a=value)) == [f"spec.a: {problem}"]


def test_a_missing_field_is_required_and_a_nullable_one_may_be_null() -> None:
    kind = spec_kind({"a": {**STRING, "nullable": True}}, required=["a"])
    assert problems(kind, widget()) == ["spec.a: Required value"]
    assert problems(kind, widget(a=None)) == []


def test_logic_is_checked() -> None:
    kind = spec_kind({"a": STRING, "b": STRING}, oneOf=[{"required": ["a"]}, {"required": ["b"]}])
    assert problems(kind, widget(a="x")) == []
    assert (
        '"spec" must validate one and only one schema (oneOf). Found none valid'
        in problems(kind, widget())[0]
    )


def test_items_of_maps_and_sets_differ() -> None:
    item = {"type": "object", "properties": {"name": STRING, "v": STRING}, "required": ["name"]}
    kind = spec_kind(
        {
            "map": {
                "type": "array",
                "items": item,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
            "set": {"type": "array", "items": STRING, "x-kubernetes-list-type": "set"},
        }
    )
    obj = widget(map=[{"name": "a", "v": "1"}, {"name": "a", "v": "2"}], set=["x", "x"])
    assert problems(kind, obj) == [
        'spec.map[1]: Duplicate value: {"name":"a"}',
        'spec.set[1]: Duplicate value: "x"',
    ]


def rule(expression: str, **more: str) -> Object:
    return {"rule": expression, **more}


def test_a_transition_rule_compares_with_what_was_stored() -> None:
    immutable = rule("self == oldSelf", message="field is immutable")
    kind = spec_kind({"a": {**STRING, "x-kubernetes-validations": [immutable]}})
    assert problems(kind, widget(a="x")) == []
    assert problems(kind, widget(a="x"), widget()) == []
    assert problems(kind, widget(a="x"), widget(a="x")) == []
    assert problems(kind, widget(a="y"), widget(a="x")) == ['spec.a: Invalid value: "y": field is immutable']


def test_items_of_a_map_are_compared_by_their_keys() -> None:
    item = {
        "type": "object",
        "properties": {"name": STRING, "v": {"type": "integer"}},
        "x-kubernetes-validations": [rule("self.v >= oldSelf.v", message="may only grow")],
    }
    listed = {
        "type": "array",
        "items": item,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    }
    kind = spec_kind({"l": listed})
    old = widget(l=[{"name": "a", "v": 1}, {"name": "b", "v": 5}])
    assert problems(kind, widget(l=[{"name": "b", "v": 6}, {"name": "a", "v": 1}]), old) == []
    new = widget(l=[{"name": "b", "v": 4}, {"name": "c", "v": 0}])
    assert problems(kind, new, old) == ["spec.l[0]: Invalid value: may only grow"]


def test_a_message_may_be_computed_and_a_rule_may_blame_a_field() -> None:
    spec = {
        "type": "object",
        "properties": {"low": {"type": "integer"}, "high": {"type": "integer"}},
        "x-kubernetes-validations": [
            rule(
                "self.low <= self.high",
                messageExpression="'low is ' + string(self.low) + ', high only ' + string(self.high)",
                fieldPath=".low",
                reason="FieldValueForbidden",
            )
        ],
    }
    kind = served(definition(spec))
    assert problems(kind, widget(low=1, high=2)) == []
    assert problems(kind, widget(low=3, high=2)) == ["spec.low: Forbidden: low is 3, high only 2"]


def test_a_rule_at_the_root_sees_the_name() -> None:
    crd = definition({"type": "object"}, rules=[rule("self.metadata.name.startsWith('w')")])
    assert problems(served(crd), widget()) == []
    obj = widget()
    obj["metadata"]["name"] = "a"
    assert problems(served(crd), obj) == [
        "<nil>: Invalid value: failed rule: self.metadata.name.startsWith('w')"
    ]


def test_rules_wait_until_the_values_are_right() -> None:
    kind = spec_kind({"a": {"type": "integer", "x-kubernetes-validations": [rule("self > 1")]}})
    found = problems(kind, widget(a="x"))
    assert found[0].startswith("spec.a: ")
    assert found[1].startswith("<nil>: Invalid value: null: some validation rules were not checked")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("self.s.lowerAscii() == 'abc'", {"s": "ABC"}),
        ("self.s.split(',')[1] == 'b'", {"s": "a,b"}),
        ("self.s.find('[0-9]+') == '12'", {"s": "a12"}),
        ("self.l.sum() == 6 && self.l.isSorted()", {"l": [1, 2, 3]}),
        ("quantity(self.s).isGreaterThan(quantity('1Mi'))", {"s": "1Gi"}),
        ("self.__namespace__ == 'x' && self.a__dash__b == 'y'", {"namespace": "x", "a-b": "y"}),
        ("self.f * 2.0 == 4.0", {"f": 2}),
        ("self.t < timestamp('2026-01-02T00:00:00Z')", {"t": "2026-01-01T00:00:00Z"}),
        ("!has(self.s) || self.s != ''", {}),
        ("url(self.s).getHost() == 'a:1' && url(self.s).getScheme() == 'http'", {"s": "http://a:1/b"}),
        ("isIP(self.s) && !isQuantity(self.s) && !isURL(self.s)", {"s": "10.0.0.1"}),
        ("self.s.lastIndexOf('a') == 2 && self.l.indexOf(3) == -1", {"s": "aba", "l": [1]}),
        ("'%s has %d'.format([self.s, 2]) == 'x has 2'", {"s": "x"}),
    ],
)
def test_rules_may_use_kubernetes_functions(expression: str, value: Object) -> None:
    numbers = {"type": "array", "items": {"type": "integer"}}
    properties = {
        "s": STRING, "namespace": STRING, "a-b": STRING, "l": numbers, "f": {"type": "number"},
        "t": {**STRING, "format": "date-time"},
    }  # fmt: skip
    spec = {"type": "object", "properties": properties, "x-kubernetes-validations": [rule(expression)]}
    crd = definition(spec)
    assert problems(crd_kind(), crd) == []
    assert problems(served(crd), widget(**value)) == []


def test_an_expression_that_calls_what_is_not_there_is_refused_with_its_definition() -> None:
    crd = definition({**STRING, "x-kubernetes-validations": [rule("zork(self) == 'x' || self == 'zork(1)'")]})
    assert "compilation failed: undeclared reference to 'zork'" in problems(crd_kind(), crd)[0]


def test_a_definitions_kind_cannot_change() -> None:
    old = definition({"type": "object"})
    set_status(old, Kinds(), NOW)
    new = deepcopy(old)
    new["spec"]["scope"] = "Cluster"
    assert problems(crd_kind(), new, old) == ['spec.scope: Invalid value: "Cluster": field is immutable']
