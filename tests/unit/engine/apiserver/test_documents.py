"""Discovery and OpenAPI documents, the structure of fields, and conversion between versions."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from kubelab.client import Object
from kubelab.engine.apiserver import discovery, openapi
from kubelab.engine.apiserver.conversion import from_storage, to_storage
from kubelab.engine.apiserver.kinds import Kind, Kinds
from kubelab.engine.apiserver.schemas import schema_of

GROUP = "example.com"


def widgets(description: str = "A widget.") -> Object:
    schema = {
        "type": "object",
        "description": description,
        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}},
    }
    version = {"served": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["w"]},
            "versions": [
                {**version, "name": "v1", "storage": True, "subresources": {"status": {}}},
                {**version, "name": "v1beta1", "storage": False},
            ],
        },
    }


@pytest.fixture
def kinds() -> Kinds:
    registry = Kinds()
    registry.add_crd(widgets())
    return registry


def get(kinds: Kinds, group: str, version: str, plural: str) -> Kind:
    kind = kinds.get(group, version, plural)
    assert kind is not None
    return kind


def test_groups_name_their_preferred_version(kinds: Kinds) -> None:
    groups = {group["name"]: group for group in discovery.group_list(kinds)["groups"]}
    assert groups["autoscaling"]["preferredVersion"]["version"] == "v2"
    assert groups[GROUP]["preferredVersion"]["groupVersion"] == "example.com/v1"
    assert "" not in groups
    assert discovery.group(kinds, "nowhere") is None


def test_resources_list_subresources_with_their_kinds(kinds: Kinds) -> None:
    document = discovery.resource_list(kinds, "apps", "v1")
    assert document is not None
    resources = {resource["name"]: resource for resource in document["resources"]}
    assert resources["deployments"]["shortNames"] == ["deploy"]
    assert resources["deployments/scale"]["kind"] == "Scale"
    assert resources["deployments/scale"]["group"] == "autoscaling"
    assert discovery.resource_list(kinds, "apps", "v9") is None
    core = discovery.resource_list(kinds, "", "v1") or {}
    (resize,) = (each for each in core["resources"] if each["name"] == "pods/resize")
    assert (resize["kind"], resize["verbs"]) == ("Pod", ["get", "patch", "update"])


def test_the_aggregated_document_says_the_same(kinds: Kinds) -> None:
    core = discovery.aggregated(kinds, core=True)
    assert [item["versions"][0]["version"] for item in core["items"]] == ["v1"]
    rest = {item["metadata"]["name"]: item for item in discovery.aggregated(kinds, core=False)["items"]}
    (widget,) = rest[GROUP]["versions"][0]["resources"]
    assert widget["responseKind"] == {"group": GROUP, "version": "v1", "kind": "Widget"}
    assert widget["shortNames"] == ["w"]
    assert widget["subresources"][0]["subresource"] == "status"


def load(document: bytes) -> Any:
    return orjson.loads(document)


@pytest.mark.parametrize("group_version", ["v1", "apps/v1", "batch/v1", "example.com/v1"])
def test_openapi_v3_documents_are_closed_and_name_their_kinds(kinds: Kinds, group_version: str) -> None:
    text = openapi.v3(kinds, group_version)
    schemas = load(text)["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/([^"]+)"', text.decode())) <= set(schemas)
    named = {
        gvk["kind"] for each in schemas.values() for gvk in each.get("x-kubernetes-group-version-kind", [])
    }
    expected = {kind.resource.kind for kind in kinds.all() if kind.resource.api_version == group_version}
    assert expected <= named


def test_openapi_tells_kubectl_what_it_asks_for(kinds: Kinds) -> None:
    document = load(openapi.v3(kinds, "v1"))
    patch = document["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"]["kind"] == "Pod"
    assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}
    assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]
    containers = document["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert "List of containers" in containers["description"]


def test_the_index_changes_with_a_definition(kinds: Kinds) -> None:
    before = load(openapi.v3_index(kinds))["paths"]
    kinds.add_crd(widgets("Another."))
    after = load(openapi.v3_index(kinds))["paths"]
    assert before["apis/example.com/v1"] != after["apis/example.com/v1"]
    assert before["api/v1"] == after["api/v1"]


def test_openapi_describes_type_and_name_of_custom_kinds(kinds: Kinds) -> None:
    widget = load(openapi.v3(kinds, f"{GROUP}/v1"))["components"]["schemas"]["com.example.v1.Widget"]
    assert {"apiVersion", "kind", "metadata", "spec"} <= set(widget["properties"])


def test_openapi_v2_is_closed(kinds: Kinds) -> None:
    text = openapi.v2(kinds)
    definitions = load(text)["definitions"]
    assert set(re.findall(r'"#/definitions/([^"]+)"', text.decode())) <= set(definitions)
    assert (
        definitions["com.example.v1.Widget"]["properties"]["spec"]["properties"]["size"]["type"] == "integer"
    )


def test_fields_tell_how_they_merge(kinds: Kinds) -> None:
    pod = schema_of(get(kinds, "", "v1", "pods"))
    spec = pod.child("spec")
    assert spec is not None
    containers, volumes = spec.child("containers"), spec.child("volumes")
    assert containers is not None
    assert (containers.list_type, containers.map_keys, containers.merge_key) == ("map", ("name",), "name")
    assert volumes is not None
    assert volumes.patch_strategies == ("merge", "retainKeys")
    assert spec.child("nonsense") is None
    labels = pod.child("metadata")
    assert labels is not None
    assert repr(labels.child("labels")) == "<Schema object>"


def test_custom_fields_have_structure_too(kinds: Kinds) -> None:
    widget = schema_of(get(kinds, GROUP, "v1", "widgets"))
    spec, metadata = widget.child("spec"), widget.child("metadata")
    assert spec is not None
    assert metadata is not None
    size, owners = spec.child("size"), metadata.child("ownerReferences")
    assert size is not None
    assert owners is not None
    assert size.type == "integer"
    assert owners.map_keys == ("uid",)


def test_a_custom_kinds_versions_differ_in_apiversion_alone(kinds: Kinds) -> None:
    beta, stable = get(kinds, GROUP, "v1beta1", "widgets"), get(kinds, GROUP, "v1", "widgets")
    obj = {"apiVersion": "example.com/v1beta1", "kind": "Widget", "spec": {"size": 1}}
    stored = to_storage(beta, obj)
    assert stored == {**obj, "apiVersion": "example.com/v1"}
    assert from_storage(beta, stored) == obj
    assert to_storage(stable, stored) is stored


def test_events_change_shape_between_their_groups(kinds: Kinds) -> None:
    kind = get(kinds, "events.k8s.io", "v1", "events")
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "regarding": {"name": "p"},
        "note": "hello",
        "reportingController": "c",
    }
    stored = to_storage(kind, event)
    assert stored["involvedObject"] == {"name": "p"}
    assert (stored["message"], stored["apiVersion"]) == ("hello", "v1")
    assert from_storage(kind, stored) == event


def test_autoscalers_change_shape_between_their_versions(kinds: Kinds) -> None:
    kind = get(kinds, "autoscaling", "v1", "horizontalpodautoscalers")
    scaler = {
        "apiVersion": "autoscaling/v1",
        "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 70},
    }
    stored = to_storage(kind, scaler)
    assert stored["apiVersion"] == "autoscaling/v2"
    assert stored["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 70
    assert from_storage(kind, stored) == scaler
