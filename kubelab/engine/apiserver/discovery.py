"""Discovery documents: what the server serves, plain (per group and version) and aggregated (all at once).

Upstream: apiserver's ``pkg/endpoints/discovery`` and the types of ``apidiscovery.k8s.io/v2``.
"""

from __future__ import annotations

import base64
import hashlib

from kubelab.client import Object
from kubelab.engine.apiserver.crds import version_priority
from kubelab.engine.apiserver.kinds import Kind, Kinds

AGGREGATED_MEDIA = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

# Subresource -> verbs, and the group, version and kind of its body where that is not the parent's.
_SUBRESOURCES: dict[str, tuple[tuple[str, ...], tuple[str, str, str] | None]] = {
    "status": (("get", "patch", "update"), None),
    "scale": (("get", "patch", "update"), ("autoscaling", "v1", "Scale")),
    "binding": (("create",), ("", "v1", "Binding")),
    "eviction": (("create",), ("policy", "v1", "Eviction")),
    "token": (("create",), ("authentication.k8s.io", "v1", "TokenRequest")),
    "log": (("get",), None),
    "ephemeralcontainers": (("get", "patch", "update"), None),
    "attach": (("create", "get"), ("", "v1", "PodAttachOptions")),
    "exec": (("create", "get"), ("", "v1", "PodExecOptions")),
    "portforward": (("create", "get"), ("", "v1", "PodPortForwardOptions")),
    "resize": (("get", "patch", "update"), None),
    "finalize": (("update",), None),
}


def api_versions(server: str) -> Object:
    """Return the document of ``/api``; ``server`` is the host and port that clients reach."""
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def group_list(kinds: Kinds) -> Object:
    """Return the document of ``/apis``: every group with its versions."""
    groups = [_group(name, versions) for name, versions in _versions(kinds).items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(kinds: Kinds, name: str) -> Object | None:
    """Return the document of ``/apis/<group>``, or None if nothing is served in it."""
    versions = _versions(kinds).get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)} if versions else None


def resource_list(kinds: Kinds, group: str, version: str) -> Object | None:
    """Return the document of ``/apis/<group>/<version>`` or ``/api/v1``; None if nothing is served there."""
    served = _of(kinds, group, version)
    if not served:
        return None
    resources = [entry for kind in served for entry in _resources(kind)]
    group_version = served[0].resource.api_version
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": sorted(resources, key=lambda entry: str(entry["name"])),
    }


def aggregated(kinds: Kinds, *, core: bool) -> Object:
    """Return the aggregated document of ``/api`` (core) or of ``/apis``."""
    items = [
        {
            "metadata": {"name": name, "creationTimestamp": None} if name else {"creationTimestamp": None},
            "versions": [_version_discovery(kinds, name, version) for version in versions],
        }
        for name, versions in _versions(kinds).items()
        if (not name) is core
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _versions(kinds: Kinds) -> dict[str, list[str]]:
    """Return each group's versions, the preferred one first."""
    groups: dict[str, list[str]] = {}
    for kind in kinds.all():
        versions = groups.setdefault(kind.resource.group, [])
        if kind.resource.version not in versions:
            versions.append(kind.resource.version)
    return {name: sorted(versions, key=version_priority) for name, versions in groups.items()}


def _group(name: str, versions: list[str]) -> Object:
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def _of(kinds: Kinds, group: str, version: str) -> list[Kind]:
    return [kind for kind in kinds.all() if kind.resource.group == group and kind.resource.version == version]


def _resources(kind: Kind) -> list[Object]:
    resource = kind.resource
    entry: Object = {
        "name": resource.plural,
        "singularName": kind.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    if len(kind.verbs) > 1:
        entry["storageVersionHash"] = _storage_hash(kind)
    return [entry, *(_subresource(kind, name) for name in kind.subresources)]


def _subresource(kind: Kind, name: str) -> Object:
    verbs, body = _SUBRESOURCES[name]
    entry: Object = {
        "name": f"{kind.resource.plural}/{name}",
        "singularName": "",
        "namespaced": kind.resource.namespaced,
        "kind": body[2] if body else kind.resource.kind,
        "verbs": list(verbs),
    }
    if body and body[0]:
        entry |= {"group": body[0], "version": body[1]}
    return entry


def _version_discovery(kinds: Kinds, group: str, version: str) -> Object:
    served = sorted(_of(kinds, group, version), key=lambda kind: kind.resource.plural)
    return {
        "version": version,
        "resources": [_resource_discovery(kind) for kind in served],
        "freshness": "Current",
    }


def _resource_discovery(kind: Kind) -> Object:
    resource = kind.resource
    entry: Object = {
        "resource": resource.plural,
        "responseKind": _response_kind(kind, None),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    if kind.subresources:
        entry["subresources"] = [_subresource_discovery(kind, name) for name in kind.subresources]
    return entry


def _subresource_discovery(kind: Kind, name: str) -> Object:
    verbs, body = _SUBRESOURCES[name]
    return {"subresource": name, "responseKind": _response_kind(kind, body), "verbs": list(verbs)}


def _response_kind(kind: Kind, body: tuple[str, str, str] | None) -> Object:
    """Return what a resource is answered with; built-in kinds name no group and version of their own."""
    if body is not None:
        group, version, name = body
        return {"group": group, "version": version if group else "", "kind": name}
    own = kind.resource
    if kind.custom is None:
        return {"group": "", "version": "", "kind": own.kind}
    return {"group": own.group, "version": own.version, "kind": own.kind}


def _storage_hash(kind: Kind) -> str:
    stored = kind.storage
    text = f"{stored.group}/{stored.version}/{stored.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()
