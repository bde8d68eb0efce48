"""Which resources the API server has, by discovery."""

from __future__ import annotations

import asyncio

import orjson

from kubelab.client import Client, Object, Resource
from kubelab.errors import ApiError

# What is scaled most, known without asking.
_SCALED = (
    Resource("apps", "v1", "replicasets", "ReplicaSet"),
    Resource("apps", "v1", "deployments", "Deployment"),
    Resource("apps", "v1", "statefulsets", "StatefulSet"),
    Resource("", "v1", "replicationcontrollers", "ReplicationController"),
)

# Two ways to the same Events, and reviews that are answered but never stored.
_SAME_ELSEWHERE = {("events.k8s.io", "events")}


async def deletable_resources(client: Client) -> list[Resource]:
    """Return the resources whose objects can be listed, watched and deleted, each in one version.

    That is its group's preferred one, or the first that it is served in: of kubeflow.org some kinds are v1
    and others v1beta1.
    """
    groups = await _document(client, "/apis")
    versions = [("", "v1")]
    for group in groups.get("groups") or ():
        served = [each["version"] for each in group["versions"]]
        preferred = group["preferredVersion"]["version"]
        versions += [(group["name"], each) for each in sorted(served, key=preferred.__ne__)]
    found = await asyncio.gather(*(_resources(client, *version) for version in versions))
    each_once: dict[tuple[str, str], Resource] = {}
    for resources in found:
        for resource in resources:
            each_once.setdefault((resource.group, resource.plural), resource)
    return list(each_once.values())


async def resource_of(client: Client, api_version: str, kind: str) -> Resource:
    """Return the resource of a kind, whatever version its group prefers.

    Raises
    ------
    LookupError
        If no such kind is served.
    """
    for resource in _SCALED:
        if (resource.api_version, resource.kind) == (api_version, kind):
            return resource
    group = api_version.rpartition("/")[0]
    for resource in await deletable_resources(client):
        if (resource.group, resource.kind) == (group, kind):
            return resource
    raise LookupError(f'no matches for kind "{kind}" in version "{api_version}"')


async def _resources(client: Client, group: str, version: str) -> list[Resource]:
    path = f"/apis/{group}/{version}" if group else f"/api/{version}"
    document = await _document(client, path)
    return [
        Resource(group, version, entry["name"], entry["kind"], namespaced=entry["namespaced"])
        for entry in document.get("resources") or ()
        if "/" not in entry["name"]
        and {"list", "watch", "delete"} <= set(entry["verbs"])
        and (group, entry["name"]) not in _SAME_ELSEWHERE
    ]


async def _document(client: Client, path: str) -> Object:
    response = await client.transport.request("GET", path, {})
    document: Object = orjson.loads(response.body)
    if response.status >= 400:
        raise ApiError.of(document)
    return document
