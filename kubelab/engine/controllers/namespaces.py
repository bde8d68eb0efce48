"""Namespaces: what every new one gets, and emptying one that is being deleted."""

from __future__ import annotations

import asyncio

from kubelab.client import CONFIG_MAPS, NAMESPACES, PODS, SERVICE_ACCOUNTS, Client, Object, Resource
from kubelab.clock import rfc3339
from kubelab.engine.controllers.conditions import with_condition
from kubelab.engine.controllers.controller import Controller, Surroundings, either
from kubelab.engine.controllers.discovery import deletable_resources
from kubelab.errors import AlreadyExistsError, ApiError, NotFoundError

ROOT_CA = "kube-root-ca.crt"
_FINALIZER = "kubernetes"
# How soon to look again at a namespace whose contents are still going; then twice as long each time.
_LOOK_AGAIN_S = 0.05
_LONGEST_WAIT_S = 5.0


class NamespaceContentsController(Controller):
    """Gives every namespace its ServiceAccount ``default`` and the ConfigMap ``kube-root-ca.crt``."""

    name = "service-account-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.ca_pem = around.ca_pem
        self.namespaces = self.follow(NAMESPACES)
        self.accounts = self.views.of(SERVICE_ACCOUNTS)
        self.config_maps = self.views.of(CONFIG_MAPS)
        for view in (self.accounts, self.config_maps):
            view.subscribe(self._content_changed)

    async def reconcile(self, namespace: str, name: str) -> float | None:  # noqa: ARG002 - namespaces have none
        """Create what one namespace lacks."""
        found = self.namespaces.get("", name)
        if found is None or found["metadata"].get("deletionTimestamp"):
            return None
        if self.accounts.get(name, "default") is None:
            await self._ensure(SERVICE_ACCOUNTS, {}, name, "default")
        published = self.config_maps.get(name, ROOT_CA)
        if self.ca_pem and published is None:
            await self._ensure(CONFIG_MAPS, {"data": {"ca.crt": self.ca_pem}}, name, ROOT_CA)
        elif self.ca_pem and published and (published.get("data") or {}).get("ca.crt") != self.ca_pem:
            await self.patch(CONFIG_MAPS, published, {"data": {"ca.crt": self.ca_pem}})
        return None

    async def _ensure(self, resource: Resource, body: Object, namespace: str, name: str) -> None:
        head = {"apiVersion": resource.api_version, "kind": resource.kind}
        try:
            await self.create(resource, {**head, "metadata": {"name": name, "namespace": namespace}, **body})
        except AlreadyExistsError:
            return

    def _content_changed(self, old: Object | None, new: Object | None) -> None:
        meta = either(old, new)["metadata"]
        if meta["name"] in {"default", ROOT_CA}:
            self.queue.add(("", meta["namespace"]))


class NamespaceController(Controller):
    """Empties namespaces that are being deleted, then lets them go."""

    name = "namespace-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.namespaces = self.follow(NAMESPACES)
        self._waits_s: dict[str, float] = {}

    async def reconcile(self, namespace: str, name: str) -> float | None:  # noqa: ARG002 - namespaces have none
        """Delete what is left in one namespace; finalize it once nothing is."""
        found = self.namespaces.get("", name)
        if found is None or not found["metadata"].get("deletionTimestamp"):
            return None
        left = await self._empty(name)
        if left:
            await self._tell(found, left)
            wait_s = self._waits_s.get(name, _LOOK_AGAIN_S)
            self._waits_s[name] = min(wait_s * 2, _LONGEST_WAIT_S)
            return wait_s
        self._waits_s.pop(name, None)
        finalizers = [each for each in found["spec"].get("finalizers") or () if each != _FINALIZER]
        await self._finalize({**found, "spec": {**found["spec"], "finalizers": finalizers}})
        return None

    async def _finalize(self, namespace: Object) -> None:
        try:
            await self.client.update(NAMESPACES, namespace, subresource="finalize")
        except NotFoundError:
            return

    async def _empty(self, name: str) -> dict[str, int]:
        """Delete every object of the namespace; return how many of each resource are still there.

        Pods go last: their owners would create them again.
        """
        left: dict[str, int] = {}
        resources = [each for each in await deletable_resources(self.client) if each.namespaced]
        for resource in sorted(resources, key=lambda each: each == PODS):
            remaining = await _delete_collection(self.client, resource, name)
            if remaining:
                left[f"{resource.plural}.{resource.group}".rstrip(".")] = remaining
        return left

    async def _tell(self, namespace: Object, left: dict[str, int]) -> None:
        """Say in the namespace's conditions what it still waits for."""
        listed = ", ".join(f"{resource} has {number} resource instances" for resource, number in left.items())
        condition = {
            "type": "NamespaceContentRemaining",
            "status": "True",
            "reason": "SomeResourcesRemain",
            "message": f"Some resources are remaining: {listed}",
        }
        status = namespace.get("status") or {}
        listed_conditions = with_condition(status.get("conditions"), condition, rfc3339(self.clock.now()))
        if listed_conditions != status.get("conditions"):
            await self.patch(
                NAMESPACES, namespace, {"status": {"conditions": listed_conditions}}, subresource="status"
            )


async def _delete_collection(client: Client, resource: Resource, namespace: str) -> int:
    """Delete the objects of a resource in a namespace; return how many were still there afterwards."""
    page = await client.list(resource, namespace)
    await asyncio.gather(*(_delete(client, resource, namespace, each) for each in page.items))
    return len((await client.list(resource, namespace)).items) if page.items else 0


async def _delete(client: Client, resource: Resource, namespace: str, obj: Object) -> None:
    if obj["metadata"].get("deletionTimestamp"):
        return
    try:
        await client.delete(resource, obj["metadata"]["name"], namespace, propagation="Background")
    except NotFoundError:
        return
    except ApiError as error:
        if error.code != 409:
            raise
