"""The ``scale`` subresource: how many replicas, whatever the kind calls them."""

from __future__ import annotations

from kubelab.client import Object, Resource
from kubelab.engine.apiserver.bodies import check_fields, decode_as
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.metadata import other_object
from kubelab.engine.apiserver.patching import patched
from kubelab.engine.apiserver.requests import FieldError, Reply, Request, Target, reply
from kubelab.engine.apiserver.selectors import selector_text
from kubelab.engine.apiserver.status import bad_request, conflict, invalid, method_not_allowed, not_found
from kubelab.engine.apiserver.writing import Writer, write_options


class Scales:
    """Answers ``autoscaling/v1`` Scale below a kind's objects."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    async def answer(self, request: Request, target: Target) -> Reply:
        """Return, replace or patch an object's scale."""
        objects = self.writer.objects
        stored = objects.latest(target.kind, target.key)
        if stored is None:
            raise not_found(target.resource, target.name)
        obj = objects.parse(target.kind, stored)
        scale = _scale_of(target.kind, obj)
        write_options(request, "UpdateOptions" if request.method == "PUT" else "PatchOptions")
        match request.method:
            case "GET":
                return reply(scale)
            case "PUT":
                wanted = decode_as(_SCALE, _DEFINITION, request)
            case "PATCH":
                wanted = patched(request, target.kind, scale)
                check_fields(_DEFINITION, wanted)
            case _:
                raise method_not_allowed()
        replicas = _replicas(target, obj, wanted)

        def edit(new: Object) -> None:
            _write(new, _paths(target.kind)[0], replicas)

        written = await self.writer.change(request, target, edit)
        return reply(_scale_of(target.kind, objects.parse(target.kind, written.stored)))


_DEFINITION = "io.k8s.api.autoscaling.v1.Scale"
_SCALE = Resource("autoscaling", "v1", "scales", "Scale")


def _replicas(target: Target, obj: Object, scale: Object) -> int:
    metadata = scale.get("metadata") or {}
    if metadata.get("name") not in {None, "", target.name}:
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
        )
    if metadata.get("namespace") not in {None, "", target.namespace}:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if metadata.get("uid") not in {None, "", obj["metadata"]["uid"]}:
        problem = other_object(target.kind, obj["metadata"], metadata["uid"])
        raise conflict(target.resource, target.name, problem)
    if metadata.get("resourceVersion") not in {None, "", obj["metadata"]["resourceVersion"]}:
        raise conflict(target.resource, target.name)
    replicas: int = (scale.get("spec") or {}).get("replicas") or 0
    if replicas < 0:
        message = f"Invalid value: {replicas}: must be greater than or equal to 0"
        raise invalid(_SCALE, target.name, [FieldError("FieldValueInvalid", message, "spec.replicas")])
    return replicas


def _scale_of(kind: Kind, obj: Object) -> Object:
    wanted, current, selector = _paths(kind)
    metadata = obj["metadata"]
    kept = {
        key: metadata[key]
        for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        if key in metadata
    }
    status: Object = {"replicas": _read(obj, current) or 0}
    found = _read(obj, selector)
    if isinstance(found, str):
        status["selector"] = found
    elif isinstance(found, dict):
        status["selector"] = selector_text(found)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": kept,
        "spec": {"replicas": replicas} if (replicas := _read(obj, wanted)) else {},
        "status": status,
    }


def _paths(kind: Kind) -> tuple[str, str, str]:
    """Return where wanted replicas, current replicas and the selector are."""
    if kind.custom is None:
        return ".spec.replicas", ".status.replicas", ".spec.selector"
    version = next(v for v in kind.custom["spec"]["versions"] if v["name"] == kind.resource.version)
    scale = version["subresources"]["scale"]
    return scale["specReplicasPath"], scale["statusReplicasPath"], scale.get("labelSelectorPath", "")


def _read(obj: Object, path: str) -> Object | str | int | None:
    value: Object | str | int | None = obj if path else None
    for part in path.lstrip(".").split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _write(obj: Object, path: str, value: int) -> None:
    *parents, last = path.lstrip(".").split(".")
    for part in parents:
        obj = obj.setdefault(part, {})
    obj[last] = value
