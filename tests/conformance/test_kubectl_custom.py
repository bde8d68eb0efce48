"""A tour with real kubectl: a CustomResourceDefinition of one's own, from its creation to its end."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kubelab.client import Object
from tests.conformance.kubectl import Kubectl

STEP: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "phase": {"type": "string", "default": "fit"},
        "epochs": {"type": "integer", "minimum": 1},
    },
}
SPEC: dict[str, Any] = {
    "type": "object",
    "description": "What is to be tried.",
    "required": ["rate"],
    "properties": {
        "rate": {"type": "number"},
        "width": {"type": "integer", "default": 64},
        "steps": {
            "type": "array",
            "items": STEP,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name", "phase"],
        },
        "extra": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "limits": {
            "type": "object",
            "additionalProperties": {"x-kubernetes-int-or-string": True},
            "x-kubernetes-map-type": "atomic",
        },
    },
    "x-kubernetes-validations": [{"rule": "self.rate < 1.0", "message": "rate must be below 1"}],
}


def definition(plural: str) -> Object:
    """Return a CRD with a scale, a status and columns."""
    kind = plural.capitalize().removesuffix("s")
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {
            "status": {},
            "scale": {"specReplicasPath": ".spec.width", "statusReplicasPath": ".status.width"},
        },
        "additionalPrinterColumns": [
            {"name": "Rate", "type": "number", "jsonPath": ".spec.rate"},
            {"name": "Done", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Done")].status'},
            {"name": "Width", "type": "integer", "jsonPath": ".spec.width", "priority": 1},
        ],
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "properties": {
                    "spec": SPEC,
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.lab.example"},
        "spec": {
            "group": "lab.example",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind, "shortNames": [plural[:2]], "categories": ["all"]},
            "versions": [version],
        },
    }


def probe(**spec: Any) -> Object:
    return {"apiVersion": "lab.example/v1", "kind": "Probe", "metadata": {"name": "it"}, "spec": spec}


@pytest.fixture(scope="module", autouse=True)
def probes(api: Kubectl) -> None:
    """Define the kind by a server-side apply."""
    api("apply", "--server-side", "-f", "-", stdin=definition("probes"))
    api("wait", "crd/probes.lab.example", "--for=condition=Established", "--timeout=10s")


def test_a_custom_object_is_checked_defaulted_and_shown(kubectl: Kubectl) -> None:
    assert kubectl("create", "-f", "-", stdin=probe(rate=0.1)) == "probe.lab.example/it created\n"
    assert kubectl.json("get", "pr", "it")["spec"] == {"rate": 0.1, "width": 64}
    (row,) = kubectl.table("get", "probes")
    assert row == {"NAME": "it", "RATE": "0.1", "DONE": ""}
    (row,) = kubectl.table("get", "probes", "-o", "wide")
    assert row["WIDTH"] == "64"
    assert "probe.lab.example/it" in kubectl("get", "all", "-o", "name")
    assert re.search(r"Rate: +0\.1", kubectl("describe", "probe", "it"))
    assert "What is to be tried." in kubectl("explain", "probe.spec")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, "spec.rate: Required value"),
        ({"rate": "fast"}, 'spec.rate in body must be of type number: "string"'),
        ({"rate": 2}, "rate must be below 1"),
        ({"rate": 0.1, "pace": 1}, 'unknown field "spec.pace"'),
        ({"rate": 0.1, "steps": [{"name": "a", "epochs": 0}]}, "should be greater than or equal to 1"),
        ({"rate": 0.1, "steps": [{"name": "a"}, {"name": "a", "phase": "fit"}]}, "Duplicate value"),
    ],
)
def test_a_custom_object_that_is_not_valid_is_refused(kubectl: Kubectl, spec: Object, said: str) -> None:
    assert said in kubectl.fails("create", "-f", "-", stdin=probe(**spec))


def test_status_and_scale(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=probe(rate=0.1))
    done = '{"status":{"conditions":[{"type":"Done","status":"True"}]}}'
    kubectl("patch", "probe", "it", "--subresource=status", "--type=merge", "-p", done)
    kubectl("wait", "probe/it", "--for=condition=Done", "--timeout=10s")
    kubectl("scale", "probe/it", "--replicas=128")
    found = kubectl.json("get", "probe", "it")
    assert (found["spec"]["width"], found["metadata"]["generation"]) == (128, 2)
    assert kubectl.table("get", "probes")[0]["DONE"] == "True"


def apply(kubectl: Kubectl, manager: str, **spec: Any) -> str:
    args = ("apply", "--server-side", f"--field-manager={manager}", "-f", "-")
    done = kubectl.run(*args, stdin=probe(**spec))
    return done.stderr if done.returncode else ""


def test_server_side_apply_follows_the_schemas_list_and_map_types(kubectl: Kubectl) -> None:
    assert not apply(kubectl, "one", rate=0.1, steps=[{"name": "a", "epochs": 1}], limits={"cpu": 1})
    assert not apply(kubectl, "two", rate=0.1, steps=[{"name": "a", "phase": "test"}, {"name": "b"}])
    steps = kubectl.json("get", "probe", "it")["spec"]["steps"]
    assert [(step["name"], step["phase"]) for step in steps] == [("a", "fit"), ("a", "test"), ("b", "fit")]
    said = apply(kubectl, "two", rate=0.1, steps=[{"name": "a", "epochs": 2}])
    assert 'conflict with "one": .spec.steps[name="a",phase="fit"].epochs' in said
    assert 'conflict with "one": .spec.limits' in apply(kubectl, "two", rate=0.1, limits={"gpu": 1})


def test_server_side_apply_of_what_no_schema_describes(kubectl: Kubectl) -> None:
    assert not apply(kubectl, "one", rate=0.1, extra={"a": {"b": 1}, "list": [1]})
    assert not apply(kubectl, "two", rate=0.1, extra={"a": {"c": 2}})
    assert kubectl.json("get", "probe", "it")["spec"]["extra"] == {"a": {"b": 1, "c": 2}, "list": [1]}
    assert 'conflict with "one": .spec.extra.list' in apply(kubectl, "two", rate=0.1, extra={"list": [2]})
    assert not apply(kubectl, "one", rate=0.1)
    assert kubectl.json("get", "probe", "it")["spec"]["extra"] == {"a": {"c": 2}}


def test_a_kind_goes_with_its_definition(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=definition("sketches"))
    kubectl("wait", "crd/sketches.lab.example", "--for=condition=Established", "--timeout=10s")
    assert "No resources found" in kubectl.run("get", "sketches").stderr
    kubectl("delete", "crd", "sketches.lab.example", "--timeout=20s")
    # kubectl still has the kind in its cache
    assert "the server could not find the requested resource" in kubectl.fails("get", "sketches")
