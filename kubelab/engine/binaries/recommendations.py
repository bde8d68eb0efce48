"""A webhook for upstream's kube-apiserver, by which new pods begin with what is recommended for them.

`registration` tells that one where it is. The path has a secret part: nobody else is to ask.
"""

from __future__ import annotations

import base64
import copy
import logging
from collections.abc import Iterator
from secrets import token_urlsafe
from typing import Any

import orjson

from kubelab.client import (
    JOBS,
    NODES,
    REPLICA_SETS,
    VERTICAL_POD_AUTOSCALERS,
    Client,
    Object,
    Resource,
)
from kubelab.clock import RealClock
from kubelab.engine.apiserver.asgi import Message, Receive, Send, read_body, send_answer
from kubelab.engine.apiserver.limits import LIMIT_RANGES
from kubelab.engine.apiserver.requests import Reply
from kubelab.engine.controllers.owners import controller_of
from kubelab.engine.recommended_pods import RecommendedPods
from kubelab.errors import ApiError, ConnectionFailedError
from kubelab.informer import Informers

logger = logging.getLogger(__name__)

_BETWEEN = {"ReplicaSet": REPLICA_SETS, "Job": JOBS}
"""Owners of pods that others own: the cache may lag behind one that was made just now."""


class InformedBeside:
    """What caches know of what there is beside a new pod."""

    def __init__(self, informers: Informers) -> None:
        self._informers = informers
        self.fetched: dict[tuple[str, str, str], Object] = {}
        for resource in (VERTICAL_POD_AUTOSCALERS, LIMIT_RANGES, NODES, *_BETWEEN.values()):
            informers.of(resource)

    def autoscalers(self, namespace: str) -> Iterator[Object]:
        """Yield the VerticalPodAutoscalers of a namespace."""
        return self._of(VERTICAL_POD_AUTOSCALERS, namespace)

    def limit_ranges(self, namespace: str) -> Iterator[Object]:
        """Yield the LimitRanges of a namespace."""
        return self._of(LIMIT_RANGES, namespace)

    def nodes(self) -> Iterator[Object]:
        """Yield all Nodes."""
        return self._of(NODES, "")

    def lookup(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return an object, or None."""
        known = self._informers.of(resource).get(namespace, name)
        return known or self.fetched.get((resource.plural, namespace, name))

    def _of(self, resource: Resource, namespace: str) -> Iterator[Object]:
        objects = self._informers.of(resource).objects
        return (each for key, each in sorted(objects.items()) if key[0] == namespace)


class RecommendationsFace:
    """Answers AdmissionReviews of pods.

    Attributes
    ----------
    path : str
        Where it is asked.
    """

    def __init__(self, client: Client, informers: Informers) -> None:
        self.path = f"/recommended-pods/{token_urlsafe(16)}"
        self._client = client
        self._beside = InformedBeside(informers)
        self._pods = RecommendedPods(self._beside, RealClock())

    async def asgi(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        if scope["path"] != self.path:
            await send_answer(Reply(404, b"{}"), receive, send)
            return
        review = orjson.loads(await read_body(receive))
        answer = {**review, "request": None, "response": await self._response(review["request"])}
        await send_answer(Reply(200, orjson.dumps(answer)), receive, send)

    async def _response(self, request: Object) -> Object:
        allowed: Object = {"uid": request["uid"], "allowed": True}
        try:
            patch = await self._patch(request)
        except Exception:  # a pod is admitted as it is rather than not at all, as upstream's webhook does
            logger.exception("a pod in %s was admitted as it was written", request.get("namespace"))
            return allowed
        if not patch:
            return allowed
        encoded = base64.b64encode(orjson.dumps(patch)).decode()
        return {**allowed, "patchType": "JSONPatch", "patch": encoded}

    async def _patch(self, request: Object) -> list[Object]:
        pod = request["object"]
        pod["metadata"]["namespace"] = request["namespace"]
        if not any(True for _ in self._beside.autoscalers(request["namespace"])):
            return []
        await self._fetch_owner(pod)
        changed = copy.deepcopy(pod)
        return list(_operations(pod, changed)) if self._pods.apply(changed) else []

    async def _fetch_owner(self, pod: Object) -> None:
        """Ask for a pod's controller where no cache knows it yet."""
        self._beside.fetched.clear()
        owner, namespace = controller_of(pod), pod["metadata"]["namespace"]
        resource = _BETWEEN.get(owner["kind"]) if owner else None
        if owner is None or resource is None or self._beside.lookup(resource, namespace, owner["name"]):
            return
        try:
            found = await self._client.get(resource, owner["name"], namespace)
        except (ApiError, ConnectionFailedError):
            return
        self._beside.fetched[resource.plural, namespace, owner["name"]] = found


def _operations(before: Object, after: Object) -> Iterator[dict[str, Any]]:
    yield {"op": "add", "path": "/metadata/annotations", "value": after["metadata"]["annotations"]}
    for index, container in enumerate(after["spec"]["containers"]):
        if container.get("resources") != before["spec"]["containers"][index].get("resources"):
            path = f"/spec/containers/{index}/resources"
            yield {"op": "add", "path": path, "value": container["resources"]}
