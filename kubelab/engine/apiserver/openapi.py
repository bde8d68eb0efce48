"""OpenAPI documents, v2 and v3, of all served kinds: what ``kubectl explain`` and client-side merges read.

Everything is built on demand from the published definitions and the CRDs, and nothing of it is kept.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from kubelab.client import Object
from kubelab.engine.apiserver.crds import schema_of_version
from kubelab.engine.apiserver.definitions import (
    INT_OR_STRING,
    OBJECT_META,
    QUANTITY,
    RAW_EXTENSION,
    JsonSchema,
    documented,
)
from kubelab.engine.apiserver.kinds import Kind, Kinds
from kubelab.engine.apiserver.openapi_paths import definition_name, paths_of
from kubelab.engine.apiserver.version import KUBERNETES_VERSION

_LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
_V3, _V2 = "#/components/schemas/", "#/definitions/"
V2_PROTOBUF_MEDIA = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
V2_PROTOBUF = b"\n\x032.0"
"""An ``openapi.v2.Document`` (gnostic) with its version alone: kubectl asks for one only to look for a
kind that v3 does not have, and then says that there is no such kind."""

_INFO = {"title": "Kubernetes", "version": f"v{KUBERNETES_VERSION}.0"}


def v2(kinds: Kinds) -> bytes:
    """Return the Swagger 2.0 document of everything that is served."""
    document = {
        "swagger": "2.0",
        "info": _INFO,
        "paths": {path: item for kind in kinds.all() for path, item in paths_of(kind, _V2).items()},
        "definitions": _schemas(kinds.all(), _V2),
    }
    return orjson.dumps(document)


def v3_index(kinds: Kinds) -> bytes:
    """Return the document of ``/openapi/v3``: a URL for each group and version, new with its content."""
    paths = {}
    for group_version, members in _by_group_version(kinds).items():
        prefix = "apis" if "/" in group_version else "api"
        url = f"/openapi/v3/{prefix}/{group_version}?hash={_hash(members)}"
        paths[f"{prefix}/{group_version}"] = {"serverRelativeURL": url}
    return orjson.dumps({"paths": paths})


def v3(kinds: Kinds, group_version: str) -> bytes:
    """Return the OpenAPI 3.0 document of one group and version, such as ``apps/v1``."""
    members = _by_group_version(kinds).get(group_version, [])
    document = {
        "openapi": "3.0.0",
        "info": _INFO,
        "paths": {path: item for kind in members for path, item in paths_of(kind, _V3).items()},
        "components": {"schemas": _schemas(members, _V3)},
    }
    return orjson.dumps(document)


def _by_group_version(kinds: Kinds) -> dict[str, list[Kind]]:
    result: dict[str, list[Kind]] = {}
    for kind in kinds.all():
        result.setdefault(kind.resource.api_version, []).append(kind)
    return result


def _hash(members: list[Kind]) -> str:
    digest = hashlib.sha512(KUBERNETES_VERSION.encode())
    for kind in members:
        digest.update(definition_name(kind).encode())
        if kind.custom is not None:
            digest.update(orjson.dumps(kind.custom["spec"], option=orjson.OPT_SORT_KEYS))
    return digest.hexdigest().upper()


def _schemas(members: list[Kind], prefix: str) -> dict[str, JsonSchema]:
    """Return the schemas of some kinds and of all that they refer to."""
    whole = documented()
    result: dict[str, JsonSchema] = {}
    pending: list[str] = [_LIST_META]
    for kind in members:
        if kind.custom is not None:
            result.update(_custom_schemas(kind, prefix, pending))
        else:
            pending += [kind.definition, f"{kind.definition}List"]
    while pending:
        name = pending.pop()
        if name not in result and name in whole:
            result[name] = _translated(name, whole[name], prefix, pending)
    return result


def _custom_schemas(kind: Kind, prefix: str, pending: list[str]) -> dict[str, JsonSchema]:
    raw = schema_of_version(kind.custom, kind.resource.version) if kind.custom else {}
    metadata = _reference(OBJECT_META, prefix, pending, "Standard object's metadata.")
    types = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
    properties = {**types, **(raw.get("properties") or {}), "metadata": metadata}
    resource, name = kind.resource, definition_name(kind)
    gvk = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    items = {
        "type": "array",
        "description": f"List of {resource.plural}.",
        "items": {"allOf": [{"$ref": prefix + name}]},
    }
    listed = {
        "description": f"{kind.list_kind} is a list of {resource.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": _reference(_LIST_META, prefix, pending, "Standard list metadata."),
            "items": items,
        },
        "x-kubernetes-group-version-kind": [{**gvk, "kind": kind.list_kind}],
    }
    own = {**raw, "type": "object", "properties": properties, "x-kubernetes-group-version-kind": [gvk]}
    return {name: own, f"{name}List": listed}


def _reference(name: str, prefix: str, pending: list[str], description: str = "") -> JsonSchema:
    pending.append(name)
    if prefix == _V2:
        return {"$ref": prefix + name, **({"description": description} if description else {})}
    return {"allOf": [{"$ref": prefix + name}], "default": {}, "description": description}


def _translated(name: str, schema: JsonSchema, prefix: str, pending: list[str]) -> JsonSchema:
    """Return a published definition in the dialect of a document."""
    text = {"description": schema["description"]} if "description" in schema else {}
    if name == QUANTITY:
        return {**text, **({"type": "string"} if prefix == _V2 else {"oneOf": _TYPES["string", "number"]})}
    if name == INT_OR_STRING:
        flexible: Object = {"type": "string"} if prefix == _V2 else {"oneOf": _TYPES["integer", "string"]}
        return {**text, **flexible, "format": "int-or-string"}
    if name == RAW_EXTENSION:
        return {**text, "type": "object"}
    return _node(schema, prefix, pending)


_TYPES = {
    ("string", "number"): [{"type": "string"}, {"type": "number"}],
    ("integer", "string"): [{"type": "integer"}, {"type": "string"}],
}


def _node(schema: Any, prefix: str, pending: list[str]) -> JsonSchema:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        if not rest:
            pending.append(name)
            return {"$ref": prefix + name}
        return {**_reference(name, prefix, pending, rest.pop("description", "")), **rest}
    result = dict(schema)
    types = schema.get("type")
    if isinstance(types, list):
        result["type"] = types[0]
    result.pop("enum", None)  # the publisher's own, of apiVersion and kind
    if "properties" in schema:
        result["properties"] = {
            key: _node(child, prefix, pending) for key, child in schema["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            result[key] = _node(schema[key], prefix, pending)
    return result
