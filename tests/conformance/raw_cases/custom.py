"""Custom kinds: defaults, pruning, logic, rules, columns, versions, subresources and names."""

from __future__ import annotations

from typing import Any

from tests.conformance.cases import CRDS, crd
from tests.conformance.raw import MERGE, ONCE_SERVED, STRATEGIC, TABLE, Call

_GROUP = "/apis/conformance.dev/v1/namespaces/{ns}"
_STRING = {"type": "string"}
_RULES = "x-kubernetes-validations"


def _made(plural: str, name: str, version: str = "v1", /, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"conformance.dev/{version}",
        "kind": plural.removesuffix("s").capitalize(),
        "metadata": {"name": name},
        "spec": spec,
    }


def _serving(plural: str, schema: dict[str, Any], **version: Any) -> list[Call]:
    """A definition, and the first request that its objects answer."""
    return [
        Call("POST", CRDS, crd(plural, schema, **version)),
        Call("GET", f"{_GROUP}/{plural}?{ONCE_SERVED}"),
    ]


def _gone(plural: str) -> Call:
    return Call("DELETE", f"{CRDS}/{plural}.conformance.dev")


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


_DEFAULTED = {
    "spec": {
        **_object(
            mode={**_STRING, "default": "slow", "enum": ["slow", "fast"]},
            size={"type": "integer", "minimum": 1, "maximum": 5, "default": 2},
            ratio={"type": "number", "exclusiveMinimum": True, "minimum": 0},
            name={**_STRING, "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"},
            port={"x-kubernetes-int-or-string": True},
            when={**_STRING, "format": "date-time"},
            address={**_STRING, "format": "ipv4"},
            nested={**_object(a={**_STRING, "default": "x"}, b=_STRING), "default": {}},
            maybe={**_STRING, "nullable": True},
            never=_STRING,
            free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            half={**_object(known=_STRING), "x-kubernetes-preserve-unknown-fields": True},
            many={
                "type": "array",
                "maxItems": 2,
                "minItems": 1,
                "items": _object(a={**_STRING, "default": "i"}),
            },
            unique={"type": "array", "x-kubernetes-list-type": "set", "items": _STRING},
            keyed={
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["k"],
                "items": {**_object(k=_STRING, v=_STRING), "required": ["k"]},
            },
            map={"type": "object", "maxProperties": 1, "additionalProperties": {"type": "integer"}},
            template={
                "type": "object",
                "x-kubernetes-embedded-resource": True,
                "x-kubernetes-preserve-unknown-fields": True,
            },
        ),
        "required": ["must"],
    }
}
_DEFAULTED["spec"]["properties"]["must"] = _STRING
_RULED = {
    "spec": {
        **_object(
            low={"type": "integer"},
            high={"type": "integer"},
            kept={**_STRING, _RULES: [{"rule": "self == oldSelf", "message": "kept is kept"}]},
            word={
                **_STRING,
                "maxLength": 9,
                _RULES: [
                    {
                        "rule": "self != 'bad'",
                        "messageExpression": "'never ' + self",
                        "reason": "FieldValueForbidden",
                    }
                ],
            },
            list={
                "type": "array",
                "maxItems": 5,
                "items": {"type": "integer"},
                _RULES: [{"rule": "self.all(x, x > 0)"}],
            },
        ),
        _RULES: [
            {"rule": "!has(self.low) || !has(self.high) || self.low <= self.high", "fieldPath": ".low"},
            {
                "rule": "!has(oldSelf.high) || has(self.high)",
                "message": "high stays once set",
                "reason": "FieldValueRequired",
            },
        ],
    }
}
_COLUMNS = [
    {"name": "Mode", "type": "string", "jsonPath": ".spec.mode", "description": "how"},
    {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "priority": 1},
    {"name": "On", "type": "boolean", "jsonPath": ".spec.on"},
    {"name": "Ratio", "type": "number", "jsonPath": ".spec.ratio", "format": "double"},
    {"name": "Since", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {"name": "First", "type": "string", "jsonPath": ".spec.list[0]"},
    {"name": "All", "type": "string", "jsonPath": ".spec.list[*]"},
    {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
]
_SHOWN = {
    "spec": _object(
        mode=_STRING,
        size={"type": "integer"},
        on={"type": "boolean"},
        ratio={"type": "number"},
        list={"type": "array", "items": _STRING},
    )
}
_REPLICAS = {
    "spec": _object(replicas={"type": "integer", "minimum": 0, "maximum": 5}, other=_STRING),
    "status": _object(replicas={"type": "integer"}, selector=_STRING, phase=_STRING),
}
_SCALE = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}
_FANS, _RULERS, _SIGNS, _CLONES = (f"{_GROUP}/{plural}" for plural in ("fans", "rulers", "signs", "clones"))


def _two_versions() -> dict[str, Any]:
    made = crd("twins", {"spec": _object(a={**_STRING, "default": "one"})})
    second = {**made["spec"]["versions"][0], "name": "v2", "storage": False}
    second["schema"] = {"openAPIV3Schema": _object(spec=_object(a={**_STRING, "default": "two"}, b=_STRING))}
    made["spec"]["versions"].append(second)
    return made


def _named(plural: str, **names: Any) -> dict[str, Any]:
    made = crd(plural, {})
    made["spec"]["names"] |= names
    return made


_SPECS: tuple[dict[str, Any], ...] = (
    {}, {"mode": "odd"}, {"mode": None}, {"size": 0}, {"size": 6}, {"size": "x"}, {"size": 1.5},
    {"size": 2.0}, {"ratio": 0}, {"ratio": 0.5}, {"name": "a"}, {"name": "abcde"}, {"name": "A1"},
    {"port": 80}, {"port": "http"}, {"port": True}, {"port": 1.5}, {"when": "x"},
    {"when": "2026-01-01T00:00:00Z"}, {"address": "x"}, {"nested": {"b": "y", "c": 1}},
    {"nested": None}, {"maybe": None}, {"never": None}, {"free": {"a": {"b": [1]}}},
    {"half": {"known": "a", "other": 1}}, {"half": {"known": 1}}, {"many": []}, {"many": [{}, {}, {}]},
    {"many": [{"a": "b", "c": 1}, {}]}, {"unique": ["a", "a"]}, {"keyed": [{"k": "a"}, {"k": "a"}]},
    {"keyed": [{"v": "a"}]}, {"map": {"a": 1, "b": 2}}, {"map": {"a": "x"}}, {"nope": 1},
    {"template": {"a": 1}},
    {"template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "nope": 1}}},
    {"must": 1}, {"must": None},
)  # fmt: skip

CASES: dict[str, list[Call]] = {
    "custom values": [
        *_serving("fans", _DEFAULTED),
        *(
            Call("POST", _FANS, _made("fans", f"f{number}", **{"must": "x", **spec}))
            for number, spec in enumerate(_SPECS)
        ),
        Call("POST", _FANS, {**_made("fans", "s"), "spec": "x"}),
        Call("POST", _FANS, {**_made("fans", "s"), "extra": 1}),
        Call("POST", _FANS, {**_made("fans", "s"), "kind": "Other"}),
        Call("POST", _FANS, {**_made("fans", "s"), "apiVersion": "conformance.dev/v2"}),
        Call("POST", _FANS, {**_made("fans", "s"), "metadata": {"name": "s", "nope": 1}}),
        Call("POST", _FANS, {**_made("fans", "s"), "metadata": {"name": "s", "labels": {"a": 1}}}),
        Call("POST", f"{_FANS}?fieldValidation=Strict", _made("fans", "s", must="x", nope=1)),
        Call(
            "POST",
            f"{_FANS}?fieldValidation=Strict",
            '{"apiVersion":"conformance.dev/v1","kind":"Fan","kind":"Fan"}',
        ),
        Call("PATCH", f"{_FANS}/f0", {"spec": {"mode": None}}, MERGE),
        Call("PATCH", f"{_FANS}/f0", {"spec": {"must": None}}, MERGE),
        Call("PATCH", f"{_FANS}/f0", {"spec": {"mode": "fast"}}, STRATEGIC),
        Call("PUT", f"{_FANS}/f0", _made("fans", "f0", must="y")),
        Call("GET", f"{_FANS}/f0"),
        _gone("fans"),
    ],
    "custom rules": [
        *_serving("rulers", _RULED),
        Call("POST", _RULERS, _made("rulers", "a", low=1, high=2, kept="k", word="good")),
        Call("POST", _RULERS, _made("rulers", "b", low=3, high=2)),
        Call("POST", _RULERS, _made("rulers", "b", word="bad")),
        Call("POST", _RULERS, _made("rulers", "b", list=[1, -1])),
        Call("POST", _RULERS, _made("rulers", "b", low="x", high=2)),
        Call("POST", _RULERS, _made("rulers", "b", low=3, high=2, word="bad")),
        Call("PATCH", f"{_RULERS}/a", {"spec": {"kept": "other"}}, MERGE),
        Call("PATCH", f"{_RULERS}/a", {"spec": {"high": None}}, MERGE),
        Call("PATCH", f"{_RULERS}/a", {"spec": {"low": 5}}, MERGE),
        Call("PATCH", f"{_RULERS}/a", {"spec": {"low": 2}}, MERGE),
        _gone("rulers"),
    ],
    "custom columns": [
        *_serving("signs", _SHOWN, additionalPrinterColumns=_COLUMNS),
        Call("POST", _SIGNS, _made("signs", "a", mode="x", size=3, on=True, ratio=0.5, list=["p", "q"])),
        Call("POST", _SIGNS, _made("signs", "b")),
        Call("GET", _SIGNS, accept=TABLE),
        Call("GET", f"{_SIGNS}/a", accept=TABLE),
        Call("GET", f"{_SIGNS}/a?includeObject=Object", accept=TABLE),
        _gone("signs"),
    ],
    "custom subresources": [
        *_serving("clones", _REPLICAS, subresources={"status": {}, "scale": _SCALE}),
        Call("POST", _CLONES, {**_made("clones", "a", replicas=2), "status": {"phase": "x"}}),
        Call("GET", f"{_CLONES}/a/scale"),
        Call("PATCH", f"{_CLONES}/a/scale", {"spec": {"replicas": 3}}, MERGE),
        Call("PATCH", f"{_CLONES}/a/scale", {"spec": {"replicas": 9}}, MERGE),
        Call("PATCH", f"{_CLONES}/a/scale", {"spec": {"replicas": -1}}, MERGE),
        Call("PUT", f"{_CLONES}/a/scale", {"metadata": {"name": "a"}, "spec": {"replicas": 1}}),
        Call("PUT", f"{_CLONES}/a/scale", {"metadata": {"name": "b"}, "spec": {"replicas": 1}}),
        Call("GET", f"{_CLONES}/none/scale"),
        Call(
            "PATCH",
            f"{_CLONES}/a/status",
            {"status": {"replicas": 1, "selector": "a=b"}, "spec": {"other": "x"}},
            MERGE,
        ),
        Call(
            "PATCH",
            f"{_CLONES}/a/status",
            {"metadata": {"labels": {"a": "b"}, "finalizers": ["a.b/c"]}},
            MERGE,
        ),
        Call("PATCH", f"{_CLONES}/a/status", {"status": {"replicas": "x"}}, MERGE),
        Call("GET", f"{_CLONES}/a/scale"),
        Call("PATCH", f"{_CLONES}/a", {"status": {"phase": "y"}, "spec": {"other": "y"}}, MERGE),
        Call("PUT", f"{_CLONES}/a/status", {**_made("clones", "a"), "status": {"phase": "z"}}),
        Call("GET", f"{_CLONES}/a"),
        _gone("clones"),
    ],
    "custom versions": [
        Call("POST", CRDS, _two_versions()),
        Call("GET", f"{_GROUP}/twins?{ONCE_SERVED}"),
        Call("POST", f"{_GROUP}/twins", _made("twins", "a")),
        Call("POST", f"{_GROUP.replace('v1', 'v2')}/twins", _made("twins", "b", "v2", b="x")),
        Call("GET", f"{_GROUP.replace('v1', 'v2')}/twins/a"),
        Call("GET", f"{_GROUP}/twins/b"),
        Call("GET", f"{_GROUP.replace('v1', 'v2')}/twins"),
        Call("PATCH", f"{_GROUP.replace('v1', 'v2')}/twins/a", {"spec": {"b": "y"}}, MERGE),
        Call("GET", f"{_GROUP.replace('v1', 'v3')}/twins"),
        Call("POST", f"{_GROUP}/twins", _made("twins", "c", "v2")),
        _gone("twins"),
    ],
    "custom definitions": [
        Call("POST", CRDS, crd("others", {}, served=False)),
        Call("POST", CRDS, _named("oddities", kind="Odd", singular="UPPER")),
        Call("POST", CRDS, _named("lists", kind="Thing", listKind="Thing")),
        Call("POST", CRDS, _named("shorts", shortNames=["a_b"])),
        Call("POST", CRDS, {**crd("scopes", {}), "spec": {**crd("scopes", {})["spec"], "scope": "Nowhere"}}),
        Call("POST", CRDS, {**crd("empties", {}), "spec": {**crd("empties", {})["spec"], "versions": []}}),
        Call("POST", CRDS, {**crd("groups", {}), "metadata": {"name": "groups"}}),
        Call(
            "POST",
            CRDS,
            crd("columns", {}, additionalPrinterColumns=[{"name": "A", "type": "odd", "jsonPath": ".a"}]),
        ),
        Call(
            "POST",
            CRDS,
            crd("columns", {}, additionalPrinterColumns=[{"name": "A", "type": "string", "jsonPath": "a"}]),
        ),
        Call("POST", CRDS, crd("scales", {}, subresources={"scale": {}})),
        Call("POST", CRDS, crd("scales", {}, subresources={"scale": {**_SCALE, "specReplicasPath": ".x"}})),
        Call("POST", CRDS, crd("defaults", {"spec": _object(a={"type": "integer", "default": "x"})})),
        Call(
            "POST",
            CRDS,
            crd("maps", {"spec": {"type": "array", "items": _STRING, "x-kubernetes-list-type": "map"}}),
        ),
        Call("POST", CRDS, crd("nulls", {"spec": {**_STRING, "default": None}})),
        Call("POST", CRDS, crd("patterns", {"spec": {**_STRING, "pattern": "("}})),
        Call("POST", CRDS, crd("refs", {"spec": {"$ref": "#/x"}})),
        Call("GET", f"{CRDS}/none.conformance.dev"),
        Call("PUT", f"{CRDS}/none.conformance.dev", crd("none", {})),
        Call("PATCH", f"{CRDS}/none.conformance.dev", {}, MERGE),
    ],
}
