"""The EndpointSlice controller: tells who is behind each Service, in slices."""

from __future__ import annotations

from kubelab.client import ENDPOINT_SLICES, NODES, SERVICES, Object
from kubelab.engine.controllers.batches import together
from kubelab.engine.controllers.controller import Surroundings
from kubelab.engine.controllers.endpointslice.decision import MANAGED_BY, MANAGER, SERVICE_NAME, decide
from kubelab.engine.controllers.owners import is_controlled_by
from kubelab.engine.controllers.service_pods import ServicePodsController

_BY_SERVICE = "service"
_ZONE = "topology.kubernetes.io/zone"


class EndpointSliceController(ServicePodsController):
    """Keeps the EndpointSlices of every Service that has a selector."""

    name = "endpointslice-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.slices = self.follow_owned(ENDPOINT_SLICES, SERVICES)
        self.slices.index(_BY_SERVICE, _service_of)
        self.nodes = self.views.of(NODES)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Write the slices of one Service; those of a deleted one are garbage."""
        service = self.services.get(namespace, name)
        if service is None or service["metadata"].get("deletionTimestamp"):
            return None
        if not service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
            return None
        slices = [
            each
            for each in self.slices.by_index(_BY_SERVICE, f"{namespace}/{name}")
            if is_controlled_by(each, service) and not each["metadata"].get("deletionTimestamp")
        ]
        changes = decide(service, self.pods_behind(service), slices, self._zones())
        await together(self.create(ENDPOINT_SLICES, each) for each in changes.create)
        await together(self._update(each) for each in changes.update)
        await together(self.delete(ENDPOINT_SLICES, each) for each in changes.delete)
        return None

    async def _update(self, endpoint_slice: Object) -> None:
        self.slices.wrote(await self.client.update(ENDPOINT_SLICES, endpoint_slice))

    def _zones(self) -> dict[str, str]:
        return {
            name: labels[_ZONE]
            for (_, name), node in self.nodes.informer.objects.items()
            if (labels := node["metadata"].get("labels") or {}).get(_ZONE)
        }


def _service_of(endpoint_slice: Object) -> tuple[str, ...]:
    labels = endpoint_slice["metadata"].get("labels") or {}
    if labels.get(MANAGED_BY) != MANAGER:
        return ()
    return (f"{endpoint_slice['metadata']['namespace']}/{labels.get(SERVICE_NAME, '')}",)
