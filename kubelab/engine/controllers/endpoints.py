"""Endpoints: which pods are behind a Service, for clients that do not know EndpointSlices."""

from __future__ import annotations

from kubelab.client import ENDPOINTS
from kubelab.engine.controllers.addresses import build_endpoints
from kubelab.engine.controllers.controller import Surroundings
from kubelab.engine.controllers.service_pods import ServicePodsController
from kubelab.errors import AlreadyExistsError


class EndpointsController(ServicePodsController):
    """Keeps the Endpoints of every Service that has a selector."""

    name = "endpoint-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.endpoints = self.follow(ENDPOINTS)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Write the addresses behind one Service."""
        service = self.services.get(namespace, name)
        existing = self.endpoints.get(namespace, name)
        if service is None:
            if existing is not None:
                await self.delete(ENDPOINTS, existing)
            return None
        if service["metadata"].get("deletionTimestamp") or not service["spec"].get("selector"):
            return None
        wanted = build_endpoints(service, self.pods_behind(service))
        if existing is None:
            try:
                await self.create(ENDPOINTS, wanted)
            except AlreadyExistsError:
                return None
        elif (existing.get("subsets") or []) != (wanted.get("subsets") or []):
            kept = {key: value for key, value in existing.items() if key != "subsets"}
            changed = {"subsets": wanted["subsets"]} if "subsets" in wanted else {}
            self.endpoints.wrote(await self.client.update(ENDPOINTS, {**kept, **changed}))
        return None
