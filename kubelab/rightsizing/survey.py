"""Reads off a cluster what changes are judged by, and what was changed before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kubelab.client import (
    HORIZONTAL_AUTOSCALERS,
    NODES,
    PODS,
    RESOURCE_QUOTAS,
    VERTICAL_POD_AUTOSCALERS,
    Client,
    Object,
    Resource,
)
from kubelab.errors import NotFoundError
from kubelab.rightsizing.applying import TEMPLATED
from kubelab.rightsizing.guards import Surroundings
from kubelab.rightsizing.record import Record, records_of


@dataclass(frozen=True, slots=True)
class Applied:
    """A change that was made and not undone.

    Attributes
    ----------
    resource, object : Resource and dict
        What was changed: a workload, or a pod.
    container : str
    record : Record
        When, and what it was before.
    """

    resource: Resource
    object: Object
    container: str
    record: Record


async def read_surroundings(client: Client, now: datetime, *, in_place: bool) -> Surroundings:
    """Return what guard rails look at."""
    targets = {
        (resource.kind, each["metadata"]["namespace"], each["metadata"]["name"]): each
        for resource in TEMPLATED.values()
        for each in await _all(client, resource)
    }
    return Surroundings(
        now,
        await _all(client, PODS),
        await _all(client, NODES),
        await _all(client, HORIZONTAL_AUTOSCALERS),
        await _all(client, RESOURCE_QUOTAS),
        targets,
        in_place,
        await _all(client, VERTICAL_POD_AUTOSCALERS),
    )


async def read_applied(client: Client, namespace: str | None = None) -> list[Applied]:
    """Return what was changed and not undone, the latest first."""
    found = [
        Applied(resource, obj, name, record)
        for resource in (*TEMPLATED.values(), PODS)
        for obj in await _all(client, resource, namespace)
        for name, record in records_of(obj).items()
    ]
    return sorted(found, key=lambda each: each.record.at, reverse=True)


async def _all(client: Client, resource: Resource, namespace: str | None = None) -> list[Object]:
    try:
        return (await client.list(resource, namespace)).items
    except NotFoundError:  # a cluster that does not serve the kind
        return []
