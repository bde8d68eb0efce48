"""The quota controller: keeps ``status.used`` for readers; admission counts for itself."""

from __future__ import annotations

from collections.abc import Iterable

from kubelab.client import PERSISTENT_VOLUME_CLAIMS, PODS, RESOURCE_QUOTAS, SERVICES, Object, Resource
from kubelab.engine.controllers.controller import Controller, Surroundings, either
from kubelab.engine.controllers.discovery import deletable_resources
from kubelab.engine.controllers.quotas.decision import quota_status
from kubelab.engine.quotas.usage import PLAIN_COUNTS
from kubelab.informer import key_of

_FOLLOWED = (PODS, SERVICES, PERSISTENT_VOLUME_CLAIMS)
_NAMESPACE = "namespace"
_LISTED_EVERY_S = 5.0
"""How often kinds are counted that are not watched (upstream resyncs all of them every five minutes)."""


class QuotaController(Controller):
    """Writes what is used of every quota."""

    name = "resourcequota-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.quotas = self.follow(RESOURCE_QUOTAS)
        self.quotas.index(_NAMESPACE, _namespace)
        for resource in _FOLLOWED:
            view = self.views.of(resource)
            view.index(_NAMESPACE, _namespace)
            view.subscribe(self._changed)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Bring one quota's status up to date."""
        quota = self.quotas.get(namespace, name)
        if quota is None:
            return None
        spec = quota.get("spec") or {}
        objects: dict[Resource, Iterable[Object]] = {
            resource: self.views.of(resource).by_index(_NAMESPACE, namespace) for resource in _FOLLOWED
        }
        others = await self._others(spec)
        for resource in others:
            objects[resource] = (await self.client.list(resource, namespace)).items
        status = quota_status(spec, objects, self.clock.now())
        if (quota.get("status") or {}) != status:
            await self.update_status(RESOURCE_QUOTAS, quota, status)
        return _LISTED_EVERY_S if others else None

    async def _others(self, spec: Object) -> list[Resource]:
        """Return the kinds that a quota counts and that are not followed."""
        names = set(spec.get("hard") or {})
        counted = {name.removeprefix("count/") for name in names if name.startswith("count/")}
        counted |= names & PLAIN_COUNTS
        counted -= {resource.plural for resource in _FOLLOWED}
        if not counted:
            return []
        served = [each for each in await deletable_resources(self.client) if each.namespaced]
        return [each for each in served if f"{each.plural}.{each.group}".rstrip(".") in counted]

    def _changed(self, old: Object | None, new: Object | None) -> None:
        for quota in self.quotas.by_index(_NAMESPACE, either(old, new)["metadata"]["namespace"]):
            self.queue.add(key_of(quota))


def _namespace(obj: Object) -> tuple[str, ...]:
    return (obj["metadata"]["namespace"],)
