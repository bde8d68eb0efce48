"""Discovery documents of two servers, reduced to what both could say: the kinds that one of them serves."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.raw import Call, Raw

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

Resources = dict[str, dict[str, Any]]


def document(server: Raw, path: str, accept: str = "application/json") -> Any:
    """Return what a server says at a path."""
    return json.loads(server.send(Call("GET", path, accept=accept)).text)


def group_versions(server: Raw) -> list[str]:
    """Return the path of every version that a server has."""
    groups = document(server, "/apis")["groups"]
    return ["api/v1", *(f"apis/{each['groupVersion']}" for group in groups for each in group["versions"])]


def resources(server: Raw, group_version: str) -> Resources:
    """Return the kinds and subresources of a version by name, with their lists in one order."""
    listed = document(server, f"/{group_version}")["resources"]
    return {each["name"]: _plain(each) for each in listed}


def aggregated(server: Raw) -> Resources:
    """Return the same from the aggregated documents, by path."""
    found = {}
    for path in ("/api", "/apis"):
        for group in document(server, path, AGGREGATED)["items"]:
            name = group["metadata"].get("name", "")
            for version in group["versions"]:
                for resource in version["resources"]:
                    below = resource.pop("subresources", [])
                    at = f"{name}/{version['version']}/{resource['resource']}"
                    found[at] = _plain(resource)
                    found |= {f"{at}/{each['subresource']}": _plain(each) for each in below}
    return found


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry without the hash of where its objects are kept."""
    shown = {key: sorted(value) if isinstance(value, list) else value for key, value in entry.items()}
    shown.pop("storageVersionHash", None)
    return shown
