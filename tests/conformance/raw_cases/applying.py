"""Server-side apply: keyed lists, sets and atomic lists, conflicts, ownership, custom objects, dry runs."""

from __future__ import annotations

from typing import Any

from tests.conformance.cases import CRDS, DEPLOYMENTS, MAPS, PODS, SERVICES, config_map, crd, deployment
from tests.conformance.raw import APPLY, MERGE, ONCE_SERVED, Call

WIDGETS = "/apis/conformance.dev/v1/namespaces/{ns}/appliances"


def _apply(path: str, body: Any, manager: str = "one", options: str = "") -> Call:
    return Call("PATCH", f"{path}?fieldManager={manager}{options}", body, APPLY)


def _web(**container: Any) -> dict[str, Any]:
    """A Deployment of one container, of which an applier says only some fields."""
    made = deployment("web")
    made["spec"]["template"]["spec"]["containers"] = [{"name": "main", **container}]
    return made


def _service(*ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"ports": list(ports), **spec},
    }


def _appliance(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "conformance.dev/v1",
        "kind": "Appliance",
        "metadata": {"name": "a"},
        "spec": spec,
    }


_STRINGS = {"type": "array", "items": {"type": "string"}}
_PART = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "size": {"type": "integer"}, "unit": {"type": "string"}},
}
_APPLIANCES = crd(
    "appliances",
    {
        "spec": {
            "type": "object",
            "properties": {
                "plain": _STRINGS,
                "atomic": {**_STRINGS, "x-kubernetes-list-type": "atomic"},
                "set": {**_STRINGS, "x-kubernetes-list-type": "set"},
                "parts": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": _PART,
                },
                "whole": {
                    "type": "object",
                    "x-kubernetes-map-type": "atomic",
                    "additionalProperties": {"type": "string"},
                },
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
                "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
        },
        "status": {"type": "object", "properties": {"phase": {"type": "string"}, "n": {"type": "integer"}}},
    },
    subresources={"status": {}},
)

CASES: dict[str, list[Call]] = {
    "apply lists": [
        _apply(f"{DEPLOYMENTS}/web", _web(image="a", env=[{"name": "A", "value": "1"}])),
        _apply(f"{DEPLOYMENTS}/web", _web(env=[{"name": "B", "value": "2"}]), "two"),
        _apply(f"{DEPLOYMENTS}/web", _web(env=[{"name": "A", "value": "2"}]), "two"),
        _apply(f"{DEPLOYMENTS}/web", _web(env=[{"name": "A", "value": "2"}]), "two", "&force=true"),
        _apply(f"{DEPLOYMENTS}/web", _web(image="a")),
        _apply(f"{DEPLOYMENTS}/web", _web(image="a", command=["x", "y"])),
        _apply(f"{DEPLOYMENTS}/web", _web(command=["x", "z"]), "three"),
        _apply(f"{DEPLOYMENTS}/web", _web(image="a", env=[{"name": "C"}, {"name": "C"}])),
        _apply(f"{DEPLOYMENTS}/web", _web(image="a", env=[{"value": "C"}])),
        _apply(f"{DEPLOYMENTS}/web", _web(image="a", ports=[{"containerPort": 80}])),
        _apply(f"{DEPLOYMENTS}/web", _web(ports=[{"containerPort": 80, "name": "http"}]), "two"),
        _apply(f"{DEPLOYMENTS}/web", _web(image="a", ports=[{"containerPort": 80}, {"containerPort": 80}])),
        _apply(f"{DEPLOYMENTS}/web", _web(image="a", ports=[{"name": "http"}])),
        _apply(f"{DEPLOYMENTS}/web", {**_web(image="a"), "spec": {"nope": 2}}),
        _apply(f"{DEPLOYMENTS}/web", {**_web(image="a"), "spec": {"replicas": "x"}}),
        _apply(f"{DEPLOYMENTS}/web", {**_web(image="a"), "spec": {"replicas": -1}}),
        _apply(f"{DEPLOYMENTS}/web", {**_web(image="a"), "metadata": {"name": "web", "labels": {"a": "b"}}}),
        _apply(f"{DEPLOYMENTS}/web", {**_web(image="a"), "metadata": {"name": "web", "labels": None}}),
        _apply(f"{SERVICES}/s", _service({"port": 80})),
        _apply(f"{SERVICES}/s", _service({"port": 80, "protocol": "UDP"}), "two"),
        _apply(f"{SERVICES}/s", _service({"port": 80, "targetPort": 8080}), "three"),
        _apply(f"{SERVICES}/s", _service({"port": 80, "targetPort": 8080}), "three", "&force=1"),
        _apply(f"{SERVICES}/s", _service({"port": 80}, selector={"a": "b"})),
        _apply(f"{SERVICES}/s", _service({"port": 80}, selector={"a": "c"}), "two"),
        _apply(f"{SERVICES}/s", _service({"port": 80}, selector={"b": "c"}), "two"),
        _apply(f"{SERVICES}/s", _service()),
        Call("GET", f"{SERVICES}/s"),
    ],
    "apply owners": [
        Call("POST", MAPS, config_map("old", a="1", b="2")),
        _apply(f"{MAPS}/old", config_map("old", a="1")),
        _apply(f"{MAPS}/old", config_map("old")),
        Call("POST", f"{MAPS}?fieldManager=maker", config_map("made", a="1", b="2")),
        _apply(f"{MAPS}/made", config_map("made", a="2")),
        _apply(f"{MAPS}/made", config_map("made", a="2"), options="&force=true"),
        Call("PATCH", f"{MAPS}/made?fieldManager=maker", {"data": {"a": "3"}}, MERGE),
        _apply(f"{MAPS}/made", config_map("made", a="2")),
        _apply(f"{MAPS}/made", config_map("made", a="3")),
        _apply(f"{MAPS}/made", config_map("made")),
        Call("GET", f"{MAPS}/made"),
        _apply(f"{MAPS}/new", config_map("new", a="1")),
        _apply(f"{MAPS}/new", config_map("new", a="1"), "two"),
        _apply(f"{MAPS}/new", config_map("new")),
        _apply(f"{MAPS}/new", config_map("new"), "two"),
        Call("PUT", f"{MAPS}/new?fieldManager=putter", config_map("new", a="9")),
        _apply(f"{MAPS}/new", config_map("new", a="1")),
        _apply(f"{MAPS}/dry", config_map("dry"), options="&dryRun=All"),
        Call("GET", f"{MAPS}/dry"),
        _apply(f"{MAPS}/new", config_map("new", z="1"), options="&dryRun=All"),
        Call("GET", f"{MAPS}/new"),
        _apply(f"{MAPS}/new", {**config_map("new"), "metadata": {"name": "new", "uid": "other"}}),
        _apply(f"{MAPS}/none", {**config_map("none"), "metadata": {"name": "none", "uid": "other"}}),
        _apply(f"{MAPS}/new", {**config_map("new"), "metadata": {"name": "new", "resourceVersion": "1"}}),
        _apply(f"{MAPS}/none", {**config_map("none"), "metadata": {"resourceVersion": "1"}}),
        _apply(f"{MAPS}/new", {**config_map("new"), "metadata": {"managedFields": [{}]}}),
        _apply(f"{MAPS}/new", {**config_map("new"), "metadata": {"finalizers": ["a.b/c"]}}),
        _apply(f"{MAPS}/new", {**config_map("new"), "metadata": {"finalizers": ["a.b/d"]}}, "two"),
        _apply(f"{MAPS}/new", config_map("new")),
        _apply(f"{MAPS}/new", {**config_map("new"), "metadata": {"ownerReferences": [{"name": "x"}]}}),
        _apply(f"{MAPS}/strict", {**config_map("strict"), "nope": 1}, options="&fieldValidation=Strict"),
        _apply(f"{MAPS}/strict", {**config_map("strict"), "nope": 1}, options="&fieldValidation=Ignore"),
        _apply(
            f"{MAPS}/strict",
            "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: b\n  a: c\n",
            options="&fieldValidation=Strict",
        ),
        _apply(f"{MAPS}/strict", "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: b\n  a: c\n"),
        _apply(f"{MAPS}/strict", "apiVersion: v1\nkind: ConfigMap\ndata: [a]\n"),
        _apply(f"{MAPS}/strict", "- a\n"),
        _apply(f"{MAPS}/strict", "a: b: c\n"),
        _apply(f"{MAPS}/strict", '{"apiVersion":"v1"}'),
        _apply(f"{MAPS}/strict", '{"kind":"ConfigMap"}'),
        _apply(f"{MAPS}/strict", ""),
        _apply(f"{MAPS}/strict", {**config_map("strict"), "data": {"a": 1}}),
        _apply(f"{MAPS}/strict", {**config_map("strict"), "metadata": {"name": 1}}),
        _apply(f"{MAPS}/Bad", config_map("Bad")),
    ],
    "apply status": [
        Call("POST", DEPLOYMENTS, deployment("d")),
        _apply(
            f"{DEPLOYMENTS}/d/status",
            {"apiVersion": "apps/v1", "kind": "Deployment", "status": {"replicas": 2}},
        ),
        _apply(
            f"{DEPLOYMENTS}/d/status",
            {"apiVersion": "apps/v1", "kind": "Deployment", "status": {"replicas": 3}},
            "two",
        ),
        _apply(
            f"{DEPLOYMENTS}/d/status",
            {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 7}},
        ),
        _apply(
            f"{DEPLOYMENTS}/none/status",
            {"apiVersion": "apps/v1", "kind": "Deployment", "status": {"replicas": 2}},
        ),
        _apply(
            f"{DEPLOYMENTS}/d/scale",
            {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 4}},
        ),
        _apply(
            f"{DEPLOYMENTS}/d/scale",
            {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 5}},
            "two",
        ),
        Call("GET", f"{DEPLOYMENTS}/d"),
        _apply(f"{PODS}/none/status", {"apiVersion": "v1", "kind": "Pod", "status": {}}),
    ],
    "apply custom": [
        Call("POST", CRDS, _APPLIANCES),
        Call("GET", f"{WIDGETS}?{ONCE_SERVED}"),
        _apply(f"{WIDGETS}/a", _appliance(plain=["a"], set=["a", "b"], atomic=["x"], map={"a": "1"})),
        _apply(f"{WIDGETS}/a", _appliance(set=["c", "b"]), "two"),
        _apply(f"{WIDGETS}/a", _appliance(plain=["b"]), "two"),
        _apply(f"{WIDGETS}/a", _appliance(atomic=["y"]), "two"),
        _apply(f"{WIDGETS}/a", _appliance(map={"b": "2"}, whole={"a": "1"}), "two"),
        _apply(f"{WIDGETS}/a", _appliance(whole={"b": "1"}), "three"),
        _apply(f"{WIDGETS}/a", _appliance(whole={"b": "1"}), "three", "&force=true"),
        _apply(f"{WIDGETS}/a", _appliance(parts=[{"name": "p", "size": 1}, {"name": "q", "size": 2}])),
        _apply(f"{WIDGETS}/a", _appliance(parts=[{"name": "p", "unit": "m"}]), "two"),
        _apply(f"{WIDGETS}/a", _appliance(parts=[{"name": "p", "size": 5}]), "two"),
        _apply(f"{WIDGETS}/a", _appliance(parts=[{"name": "q", "size": 2}])),
        _apply(f"{WIDGETS}/a", _appliance(parts=[{"name": "q"}, {"name": "q"}])),
        _apply(f"{WIDGETS}/a", _appliance(parts=[{"size": 1}])),
        _apply(f"{WIDGETS}/a", _appliance(set=["a", "a"])),
        _apply(f"{WIDGETS}/a", _appliance(nope=1)),
        _apply(f"{WIDGETS}/a", _appliance(map={"a": 1})),
        _apply(f"{WIDGETS}/a", _appliance(any={"x": {"y": [1]}})),
        _apply(f"{WIDGETS}/a", _appliance(any={"x": {"z": 2}}), "two"),
        _apply(f"{WIDGETS}/a", _appliance(any={"x": {"y": [2]}}), "two"),
        _apply(f"{WIDGETS}/a", _appliance(), "two"),
        _apply(f"{WIDGETS}/a", {**_appliance(), "status": {"phase": "x"}}),
        _apply(f"{WIDGETS}/a/status", {**_appliance(), "status": {"phase": "x"}}),
        _apply(f"{WIDGETS}/a/status", {**_appliance(), "status": {"phase": "y"}}, "two"),
        _apply(f"{WIDGETS}/b", {**_appliance(), "apiVersion": "conformance.dev/v2"}),
        _apply(f"{WIDGETS}/dry", {**_appliance(), "metadata": {"name": "dry"}}, options="&dryRun=All"),
        Call("GET", WIDGETS),
        Call("DELETE", f"{CRDS}/appliances.conformance.dev"),
    ],
}
