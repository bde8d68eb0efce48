"""The paths of OpenAPI documents: which operations a kind has, and on what.

Only what clients look for is told: the kind of each operation, its body, and its query parameters.
"""

from __future__ import annotations

from kubelab.client import Object
from kubelab.engine.apiserver.kinds import Kind

_WRITE = ("dryRun", "fieldManager", "fieldValidation")
_READ_LIST = ("labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "watch")
_BODIES = ("application/json", "application/yaml")
_CUSTOM_PATCHES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
)
_PATCHES = (*_CUSTOM_PATCHES, "application/strategic-merge-patch+json")
_ACTIONS = {"get": "get", "put": "put", "patch": "patch", "delete": "delete", "post": "post"}


def paths_of(kind: Kind, prefix: str) -> dict[str, Object]:
    """Return the paths of a kind; ``prefix`` is that of references and tells the dialect."""
    resource = kind.resource
    collection = resource.path("{namespace}" if resource.namespaced else None)
    paths: dict[str, Object] = {}
    verbs = set(kind.verbs)
    operations: Object = {}
    if "list" in verbs:
        operations["get"] = _operation(kind, "list", _READ_LIST, prefix)
    if "create" in verbs:
        operations["post"] = _operation(kind, "post", _WRITE, prefix)
    if "deletecollection" in verbs:
        operations["delete"] = _operation(kind, "deletecollection", (*_READ_LIST[:2], "dryRun"), prefix)
    paths[collection] = {
        **operations,
        "parameters": _parameters(resource.namespaced, named=False, prefix=prefix),
    }
    if "get" in verbs:
        served = {"get": "get", "update": "put", "patch": "patch", "delete": "delete"}
        methods = tuple(method for verb, method in served.items() if verb in verbs)
        paths[f"{collection}/{{name}}"] = _item(kind, prefix, methods)
        if resource.namespaced:
            paths[resource.path()] = {"get": _operation(kind, "list", _READ_LIST, prefix)}
    for subresource in kind.subresources:
        if subresource == "status":
            paths[f"{collection}/{{name}}/status"] = _item(kind, prefix, ("get", "put", "patch"))
    return paths


def definition_name(kind: Kind) -> str:
    """Return the name of a kind's schema: for custom kinds, the group's domain reversed, version and kind."""
    if kind.definition:
        return kind.definition
    resource = kind.resource
    domain = ".".join(reversed(resource.group.split(".")))
    return f"{domain}.{resource.version}.{resource.kind}"


def _item(kind: Kind, prefix: str, methods: tuple[str, ...] = ("get", "put", "patch", "delete")) -> Object:
    operations = {method: _operation(kind, _ACTIONS[method], _query(method), prefix) for method in methods}
    return {**operations, "parameters": _parameters(kind.resource.namespaced, named=True, prefix=prefix)}


def _query(method: str) -> tuple[str, ...]:
    if method == "patch":
        return (*_WRITE, "force")
    return {"put": _WRITE, "delete": ("dryRun", "gracePeriodSeconds", "propagationPolicy")}.get(method, ())


def _operation(kind: Kind, action: str, query: tuple[str, ...], prefix: str) -> Object:
    resource = kind.resource
    gvk = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    operation: Object = {
        "tags": [f"{resource.group or 'core'}_{resource.version}"],
        "parameters": [_parameter(name, "query", prefix) for name in query],
        "responses": {"200": {"description": "OK"}, "401": {"description": "Unauthorized"}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": gvk,
    }
    if action in {"post", "put", "patch"}:
        operation |= _body(kind, action, prefix)
    return operation


def _body(kind: Kind, action: str, prefix: str) -> Object:
    """Return which media types an operation takes; kubectl looks for strategic merge patches."""
    media = _BODIES if action != "patch" else _CUSTOM_PATCHES if kind.custom else _PATCHES
    if prefix == "#/definitions/":
        return {"consumes": list(media)}
    schema = {"type": "object"} if action == "patch" else {"$ref": prefix + definition_name(kind)}
    return {"requestBody": {"content": {name: {"schema": schema} for name in media}, "required": True}}


def _parameters(namespaced: bool, *, named: bool, prefix: str) -> list[Object]:
    names = [*(["namespace"] if namespaced else []), *(["name"] if named else [])]
    return [_parameter(name, "path", prefix) for name in names]


def _parameter(name: str, where: str, prefix: str) -> Object:
    type_ = {"limit": "integer", "gracePeriodSeconds": "integer", "force": "boolean", "watch": "boolean"}
    schema = {"type": type_.get(name, "string")}
    parameter: Object = {"name": name, "in": where}
    if where == "path":
        parameter["required"] = True
    return {**parameter, **(schema if prefix == "#/definitions/" else {"schema": schema})}
