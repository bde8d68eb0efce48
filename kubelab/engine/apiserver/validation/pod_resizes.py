"""What may change in a pod through ``resize`` (upstream: ``ValidatePodResize`` of core validation)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kubelab.client import Object
from kubelab.engine.apiserver.validation.causes import Cause, forbidden, invalid
from kubelab.scheduling.qos import qos_class

_MIRROR = "kubernetes.io/config.mirror"
_RESIZABLE = ("cpu", "memory")
_WHOLE = "[]"  # how upstream prints the path of the object itself
_PARTS = ("requests", "limits")
_IMMUTABLE = "only cpu and memory resources are mutable"


def unresizable(old: Object) -> Cause | None:
    """Return why a pod cannot be resized at all, which is then the only cause."""
    if _MIRROR in (old["metadata"].get("annotations") or {}):
        return forbidden(_WHOLE, "static pods cannot be resized")
    if (old["spec"].get("os") or {}).get("name") == "windows":
        return forbidden(_WHOLE, "windows pods cannot be resized")
    return None


def validate_pod_resize(new: Object, old: Object) -> Iterator[Cause]:
    """Check that nothing but CPU and memory changed, and nothing was taken away."""
    before, after, status = old["spec"], new["spec"], old.get("status") or {}
    kept = status.get("qosClass") or qos_class(before)
    if qos_class(after) != kept:
        yield invalid("spec", kept, "Pod QOS Class may not change as a result of resizing")
    if not _is_supported(status):
        yield forbidden("spec", "Pod running on node without support for resize")
    yield from _validate_pod_level(after.get("resources"), before.get("resources"))
    misplaced = list(_validate_order(after, before))
    if misplaced:
        yield from misplaced
        return
    for field in ("initContainers", "containers"):
        for i, (container, was) in enumerate(_pairs(after, before, field)):
            path = f"spec.{field}[{i}].resources"
            yield from _validate_kept(_of(container), _of(was), path, "resource")
    for container, was in _pairs(after, before, "containers"):
        if _fixed(container) != _fixed(was):
            yield forbidden("spec", _IMMUTABLE)
    for i, (container, was) in enumerate(_pairs(after, before, "initContainers")):
        yield from _validate_init_container(container, was, f"spec.initContainers[{i}]")


def _is_supported(status: Object) -> bool:
    """Whether the node tells what running containers have, which is how one that can resize is known."""
    running = (
        each
        for each in status.get("containerStatuses") or ()
        if (each.get("state") or {}).get("running") is not None
    )
    first = next(running, None)
    return first is None or first.get("resources") is not None


def _validate_pod_level(after: Object | None, before: Object | None) -> Iterator[Cause]:
    if before:
        yield from _validate_kept(after or {}, before, "spec.resources", "pod-level resource")
    if _fixed({"resources": after or {}}) != _fixed({"resources": before or {}}):
        yield forbidden("spec", f"{_IMMUTABLE} at pod-level")


def _validate_order(after: Object, before: Object) -> Iterator[Cause]:
    for field in ("containers", "initContainers"):
        now, was = after.get(field) or (), before.get(field) or ()
        if len(now) != len(was):
            yield forbidden(f"spec.{field}", f"{field} may not be added or removed on resize")
            continue
        for i, (container, old) in enumerate(zip(now, was, strict=True)):
            if container.get("name") != old["name"]:
                detail = f"{field} may not be renamed or reordered on resize"
                yield forbidden(f"spec.{field}[{i}].name", detail)


def _validate_kept(after: Object, before: Object, path: str, what: str) -> Iterator[Cause]:
    for part in _PARTS:
        if set(before.get(part) or ()) - set(after.get(part) or ()):
            yield forbidden(f"{path}.{part}", f"{what} {part} cannot be removed")


def _validate_init_container(container: Object, was: Object, path: str) -> Iterator[Cause]:
    if _fixed(container) != _fixed(was):
        yield forbidden(path, "only cpu and memory resources for init or sidecar containers are mutable")
    if container == was or container.get("restartPolicy") == "Always":
        return
    for policy in container.get("resizePolicy") or ():
        if policy.get("restartPolicy") == "RestartContainer":
            detail = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
            yield forbidden(path, detail)


def _pairs(after: Object, before: Object, field: str) -> Iterator[tuple[Object, Object]]:
    return zip(after.get(field) or (), before.get(field) or (), strict=True)


def _of(container: Object) -> Object:
    resources: Object = container.get("resources") or {}
    return resources


def _fixed(container: Object) -> Object:
    """Return what of a container a resize may not change."""
    resources = _of(container)
    fixed = {part: _others(resources.get(part) or {}) for part in _PARTS}
    return {**container, "resources": {**fixed, "claims": resources.get("claims") or []}}


def _others(quantities: Mapping[str, str]) -> dict[str, str]:
    return {name: quantity for name, quantity in quantities.items() if name not in _RESIZABLE}
