"""From a URL path to what it names: ``/apis/batch/v1/namespaces/default/jobs/train/status``."""

from __future__ import annotations

from kubelab.engine.apiserver.kinds import Kinds
from kubelab.engine.apiserver.requests import Target

_NAMESPACE_SUBRESOURCES = ("status", "finalize")


def target_of(kinds: Kinds, path: str) -> Target | None:
    """Return what a path names, or None if nothing is served there."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) >= 3:
        return _in_group(kinds, "", parts[1], parts[2:])
    if parts[0] == "apis" and len(parts) >= 4:
        return _in_group(kinds, parts[1], parts[2], parts[3:])
    return None


def _in_group(kinds: Kinds, group: str, version: str, rest: list[str]) -> Target | None:
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 3 and (group or rest[2] not in _NAMESPACE_SUBRESOURCES):
        namespace, rest = rest[1], rest[2:]
    kind = kinds.get(group, version, rest[0])
    if kind is None or len(rest) > 3 or "" in rest:
        return None
    namespaced = kind.resource.namespaced
    if (namespace and not namespaced) or (namespaced and not namespace and len(rest) > 1):
        return None
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if subresource and subresource not in kind.subresources:
        return None
    return Target(kind, namespace, name, subresource)
