"""How many pods the controllers of some pods want together, by their ``scale``."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from kubelab.client import Client, Object, Resource
from kubelab.engine.controllers.discovery import resource_of
from kubelab.engine.controllers.owners import controller_of
from kubelab.errors import ApiError, KubelabError, NotFoundError

REPLICA_SETS = Resource("apps", "v1", "replicasets", "ReplicaSet")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")


class NoScaleError(KubelabError):
    """A pod's controller does not say how many pods it wants."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


class Scales:
    """Reads the scales of controllers."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def expected(self, pods: Iterable[Object]) -> tuple[int, list[str]]:
        """Return how many pods are wanted, and the names of those that nobody controls.

        Raises
        ------
        NoScaleError
            If a controller has no scale.
        """
        wanted: dict[str, int] = {}
        unmanaged: list[str] = []
        seen: set[str] = set()
        for pod in pods:
            reference = controller_of(pod)
            if reference is None:
                unmanaged.append(pod["metadata"]["name"])
            elif reference["uid"] not in seen:
                seen.add(reference["uid"])
                uid, replicas = await self._scale(pod, reference)
                wanted[uid] = replicas
        return sum(wanted.values()), unmanaged

    async def _scale(self, pod: Object, reference: Object) -> tuple[str, int]:
        """Return the uid and replicas of a pod's controller; a ReplicaSet's Deployment speaks for it."""
        namespace, resource = pod["metadata"]["namespace"], await self._resource(reference)
        if resource == REPLICA_SETS:
            try:
                above = controller_of(await self.client.get(resource, reference["name"], namespace))
            except NotFoundError:
                above = None
            if above is not None and above["kind"] == "Deployment":
                reference, resource = above, DEPLOYMENTS
        path = resource.path(namespace, reference["name"], "scale")
        answer = await self.client.transport.request("GET", path, {})
        scale: Object = orjson.loads(answer.body)
        if answer.status == 404 and (scale.get("details") or {}).get("name"):
            raise NoScaleError(f'found no controllers for pod "{pod["metadata"]["name"]}"')
        if answer.status in {404, 405}:
            name = f"{resource.plural}.{resource.group}".rstrip(".")
            raise NoScaleError(f"{name} does not implement the scale subresource")
        if answer.status >= 400:
            raise ApiError.of(scale)
        if scale["metadata"]["uid"] != reference["uid"]:
            raise NoScaleError(f'found no controllers for pod "{pod["metadata"]["name"]}"')
        return scale["metadata"]["uid"], int(scale["spec"].get("replicas") or 0)

    async def _resource(self, reference: Object) -> Resource:
        try:
            return await resource_of(self.client, reference["apiVersion"], reference["kind"])
        except LookupError as error:
            raise NoScaleError(str(error)) from None
