"""Endpoints and EndpointSlices: which pods are behind a Service."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kubelab.client import ENDPOINTS, PODS, SERVICES, Object
from kubelab.engine.controllers.addresses import (
    ENDPOINT_SLICES,
    build_endpoints,
    build_slice,
    has_address,
    is_deleting,
    is_ready,
    selects,
)
from kubelab.engine.controllers.controller import Controller, Surroundings, either
from kubelab.engine.controllers.views import View
from kubelab.errors import AlreadyExistsError
from kubelab.informer import key_of

_BY_NAMESPACE = "namespace"


class EndpointsController(Controller):
    """Keeps the Endpoints and the EndpointSlice of every Service that has a selector."""

    name = "endpointslice-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.services = self.follow(SERVICES)
        self.services.index(_BY_NAMESPACE, _namespace)
        self.pods = self.views.of(PODS)
        self.pods.index(_BY_NAMESPACE, _namespace)
        self.pods.subscribe(self._pod_changed)
        self.slices = self.follow_owned(ENDPOINT_SLICES, SERVICES)
        self.endpoints = self.follow(ENDPOINTS)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Write the addresses behind one Service."""
        service = self.services.get(namespace, name)
        if service is None:
            left = self.endpoints.get(namespace, name)
            if left is not None:
                await self.delete(ENDPOINTS, left)
            return None
        if service["metadata"].get("deletionTimestamp") or not service["spec"].get("selector"):
            return None
        pods = [pod for pod in self.pods.by_index(_BY_NAMESPACE, namespace) if selects(service, pod)]
        await asyncio.gather(
            self._write(self.slices, build_slice(service, pods), ("endpoints", "ports")),
            self._write(self.endpoints, build_endpoints(service, pods), ("subsets",)),
        )
        return None

    async def _write(self, view: View, wanted: Object, fields: Sequence[str]) -> None:
        resource = view.informer.resource
        existing = view.get(*key_of(wanted))
        if existing is None:
            try:
                await self.create(resource, wanted)
            except AlreadyExistsError:
                return
        elif any((existing.get(field) or []) != (wanted.get(field) or []) for field in fields):
            kept = {key: value for key, value in existing.items() if key not in fields}
            changed = {key: wanted[key] for key in fields if key in wanted}
            view.wrote(await self.client.update(resource, {**kept, **changed}))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and _seen_by_services(old) == _seen_by_services(new):
            return
        pod = either(old, new)
        for service in self.services.by_index(_BY_NAMESPACE, pod["metadata"]["namespace"]):
            if any(each is not None and selects(service, each) for each in (old, new)):
                self.queue.add(key_of(service))


def _seen_by_services(pod: Object) -> tuple[object, ...]:
    meta, status = pod["metadata"], pod.get("status") or {}
    return meta.get("labels"), is_deleting(pod), status.get("podIP"), has_address(pod), is_ready(pod)


def _namespace(obj: Object) -> tuple[str, ...]:
    return (obj["metadata"]["namespace"],)
