"""Pieces of OpenAPI schema that several CustomResourceDefinitions use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubelab.client import Object, Resource

STRING: Object = {"type": "string"}
BOOLEAN: Object = {"type": "boolean"}
INT32: Object = {"type": "integer", "format": "int32"}
INT64: Object = {"type": "integer", "format": "int64"}
DATE_TIME: Object = {"type": "string", "format": "date-time"}
STRINGS: Object = {"type": "array", "items": STRING, "x-kubernetes-list-type": "atomic"}
STRING_MAP: Object = {"type": "object", "additionalProperties": STRING}
# Kept as written: pod templates and their parts are checked when the pods are created.
ANYTHING: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
IMMUTABLE: Object = {"rule": "self == oldSelf", "message": "field is immutable"}

METADATA: Object = {
    "type": "object",
    "properties": {"labels": STRING_MAP, "annotations": STRING_MAP},
}
RESOURCES: Object = {
    "type": "object",
    "properties": {
        kind: {"type": "object", "additionalProperties": {"x-kubernetes-preserve-unknown-fields": True}}
        for kind in ("limits", "requests")
    },
    "x-kubernetes-preserve-unknown-fields": True,
}
CONDITION: Object = {
    "type": "object",
    "required": ["lastTransitionTime", "message", "reason", "status", "type"],
    "properties": {
        "lastTransitionTime": DATE_TIME,
        "message": {"type": "string", "maxLength": 32768},
        "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
        "reason": {
            "type": "string",
            "minLength": 1,
            "maxLength": 1024,
            "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
        },
        "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
        "type": {"type": "string", "maxLength": 316},
    },
}


def obj(properties: Mapping[str, Object], *, required: Sequence[str] = (), **more: object) -> Object:
    """Return the schema of an object with these fields."""
    schema: Object = {"type": "object", "properties": dict(properties), **more}
    if required:
        schema["required"] = list(required)
    return schema


def list_map(item: Object, key: str, **more: object) -> Object:
    """Return the schema of a list whose items are told apart by a field."""
    return {
        "type": "array",
        "items": item,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [key],
        **more,
    }


def described(schema: Object, description: str) -> Object:
    """Return the schema with what `kubectl explain` says of it."""
    return {**schema, "description": description}


def ruled(schema: Object, *rules: Object) -> Object:
    """Return the schema with CEL rules."""
    return {**schema, "x-kubernetes-validations": list(rules)}


# Named things whose inner form is a pod's own: environment variables, volumes, mounts.
NAMED = obj({"name": STRING}, required=["name"], **{"x-kubernetes-preserve-unknown-fields": True})
ENV = list_map(NAMED, "name", maxItems=128)
CONDITIONS = list_map(CONDITION, "type")


def custom_resource_definition(
    resource: Resource,
    schema: Object,
    *,
    description: str,
    columns: Sequence[Object] = (),
    subresources: Object | None = None,
    rules: Sequence[Object] = (),
    short_names: Sequence[str] = (),
    approval: str = "",
) -> Object:
    """Return the CustomResourceDefinition of a resource.

    Parameters
    ----------
    schema : dict
        The schemas of the fields beside apiVersion, kind and metadata.
    approval : str
        Where the API was approved, which groups below k8s.io have to say.
    """
    names: Object = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.kind.lower(),
        **({"shortNames": list(short_names)} if short_names else {}),
    }
    definition: Object = {"name": f"{resource.plural}.{resource.group}"}
    if approval:
        definition["annotations"] = {"api-approved.kubernetes.io": approval}
    metadata = obj({"name": {**STRING, "maxLength": 253}} if rules else {})  # bounds what rules cost
    whole = obj({"apiVersion": STRING, "kind": STRING, "metadata": metadata, **schema})
    whole["description"] = description
    if rules:
        whole["x-kubernetes-validations"] = list(rules)
    version: Object = {
        "name": resource.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": whole},
    }
    if columns:
        version["additionalPrinterColumns"] = list(columns)
    if subresources is not None:
        version["subresources"] = subresources
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": definition,
        "spec": {
            "group": resource.group,
            "names": names,
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "versions": [version],
        },
    }


def column(name: str, path: str, type_: str = "string", **more: object) -> Object:
    """Return a printer column."""
    return {"name": name, "type": type_, "jsonPath": path, **more}


AGE = column("Age", ".metadata.creationTimestamp", "date")
