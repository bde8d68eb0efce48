"""Binding: a scheduler's word that a pod goes to a node."""

from __future__ import annotations

import orjson

from kubelab.client import Object, Resource
from kubelab.clock import rfc3339
from kubelab.engine.apiserver.bodies import decode_as
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.metadata import other_object, other_version
from kubelab.engine.apiserver.requests import Reply, Request, Target
from kubelab.engine.apiserver.status import bad_request, conflict, failure, not_found
from kubelab.engine.apiserver.writing import Writer, write_options

_BINDING = Resource("", "v1", "bindings", "Binding")
_PODS_BINDING = Resource("", "v1", "pods/binding", "Binding")
_SUCCESS = orjson.dumps(
    {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
)


class Bindings:
    """Answers POST to ``pods/NAME/binding`` and to ``bindings``."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    async def bind(self, request: Request, target: Target) -> Reply:
        """Give a pod its node, with the PodScheduled condition, in one write.

        Raises
        ------
        ApiError
            404 if there is no such pod; 409 if it has a node, is gated, or is being deleted; 500, as
            upstream, if the binding names no node.
        """
        binding = decode_as(_BINDING, "io.k8s.api.core.v1.Binding", request)
        if (binding.get("metadata") or {}).get("namespace", target.namespace) != target.namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        if (binding.get("metadata") or {}).get("name") != target.name:
            raise bad_request("name in URL does not match name in Binding object")
        objects = self.writer.objects
        stored = objects.latest(target.kind, target.key)
        if stored is None:
            raise not_found(target.resource, target.name)
        pod = stored.object()
        _check(target.kind, pod, binding)
        _assign(pod, binding, rfc3339(self.writer.clock.now()))
        if not write_options(request, "CreateOptions"):
            await objects.commit(target.kind, target.key, pod)
        return Reply(201, _SUCCESS)


def _check(kind: Kind, pod: Object, binding: Object) -> None:
    metadata, name = pod["metadata"], pod["metadata"]["name"]
    given = binding.get("metadata") or {}
    goal = binding.get("target") or {}
    if goal.get("kind", "Node") not in {"", "Node"}:
        message = f'Unsupported value: "{goal["kind"]}": supported values: "Node", "<empty>"'
        raise failure(500, "", f"target.kind: {message}")
    if not goal.get("name"):
        raise failure(500, "", "target.name: Required value")
    if given.get("uid") and given["uid"] != metadata["uid"]:
        raise conflict(kind.resource, name, other_object(kind, metadata, given["uid"]))
    if given.get("resourceVersion") and given["resourceVersion"] != metadata["resourceVersion"]:
        raise conflict(kind.resource, name, other_version(kind, metadata, given["resourceVersion"]))
    if "deletionTimestamp" in metadata:
        problem = f"pod {name} is being deleted, cannot be assigned to a host"
        raise conflict(_PODS_BINDING, name, problem)
    if pod["spec"].get("nodeName"):
        problem = f'pod {name} is already assigned to node "{pod["spec"]["nodeName"]}"'
        raise conflict(_PODS_BINDING, name, problem)
    if pod["spec"].get("schedulingGates"):
        raise conflict(_PODS_BINDING, name, f"pod {name} has non-empty .spec.schedulingGates")


def _assign(pod: Object, binding: Object, now: str) -> None:
    pod["spec"]["nodeName"] = binding["target"]["name"]
    metadata, given = pod["metadata"], binding.get("metadata") or {}
    for key in ("annotations", "labels"):
        if given.get(key):
            metadata[key] = {**(metadata.get(key) or {}), **given[key]}
    conditions = pod.setdefault("status", {}).setdefault("conditions", [])
    kept = [each for each in conditions if each.get("type") != "PodScheduled"]
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": now}
    pod["status"]["conditions"] = [*kept, scheduled]
