"""What may change in a pod that exists (upstream: ``ValidatePodUpdate`` of ``pkg/apis/core/validation``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubelab.client import Object
from kubelab.engine.apiserver.validation.causes import Cause, forbidden, invalid, shown

_IMMUTABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def validate_pod_update(new: Object, old: Object) -> Iterator[Cause]:
    """Check that a pod's spec changed only where it may."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    if before == after:
        return
    for field in ("containers", "initContainers"):
        if len(before.get(field) or ()) != len(after.get(field) or ()):
            yield forbidden(f"spec.{field}", "pod updates may not add or remove containers")
            return
    yield from _validate_deadline(before.get("activeDeadlineSeconds"), after.get("activeDeadlineSeconds"))
    yield from _validate_tolerations(before.get("tolerations") or [], after.get("tolerations") or [])
    yield from _validate_gates(before.get("schedulingGates") or [], after.get("schedulingGates") or [])
    gated = bool(before.get("schedulingGates"))
    if gated:
        yield from _validate_gated_selector(before.get("nodeSelector") or {}, after.get("nodeSelector") or {})
    changes = list(_differences(_fixed(before, gated), _fixed(after, gated), ""))
    if changes:
        yield forbidden("spec", _IMMUTABLE + "\n" + "\n".join(changes))


def validate_ephemeral_containers(new: Object, old: Object) -> Iterator[Cause]:
    """Check that ephemeral containers are only added."""
    after = {c["name"]: c for c in (new.get("spec") or {}).get("ephemeralContainers") or () if "name" in c}
    for container in (old.get("spec") or {}).get("ephemeralContainers") or ():
        if container["name"] not in after:
            detail = f"existing ephemeral containers {shown(container['name'])} may not be removed\n"
            yield forbidden("spec.ephemeralContainers", detail)
        elif after[container["name"]] != container:
            detail = f"existing ephemeral containers {shown(container['name'])} may not be changed\n"
            yield forbidden("spec.ephemeralContainers", detail)


def _fixed(spec: Object, gated: bool) -> Object:
    """Return what of a spec may not change."""
    free = {"activeDeadlineSeconds", "tolerations", "schedulingGates", "ephemeralContainers"}
    if gated:
        free |= {"nodeSelector", "affinity"}
    fixed = {key: value for key, value in spec.items() if key not in free}
    for field in ("containers", "initContainers"):
        if field in fixed:
            fixed[field] = [{**container, "image": ""} for container in fixed[field] or ()]
    return fixed


def _validate_deadline(before: int | None, after: int | None) -> Iterator[Cause]:
    path = "spec.activeDeadlineSeconds"
    if after is None and before is not None:
        yield invalid(path, None, "must not update from a positive integer to nil value")
    elif after is not None and before is not None and after > before:
        yield invalid(path, after, "must be less than or equal to previous value")


def _validate_tolerations(before: list[Object], after: list[Object]) -> Iterator[Cause]:
    kept = [_identity(toleration) for toleration in after]
    if any(_identity(toleration) not in kept for toleration in before):
        detail = "existing toleration can not be modified except its tolerationSeconds"
        yield forbidden("spec.tolerations", detail)


def _identity(toleration: Object) -> Object:
    return {key: value for key, value in toleration.items() if key != "tolerationSeconds" and value}


def _validate_gates(before: list[Object], after: list[Object]) -> Iterator[Cause]:
    known = {gate.get("name") for gate in before}
    for gate in after:
        if gate.get("name") not in known:
            detail = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            yield forbidden("spec.schedulingGates", detail)


def _validate_gated_selector(before: Object, after: Object) -> Iterator[Cause]:
    if any(after.get(key) != value for key, value in before.items()):
        detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        yield invalid("spec.nodeSelector", after, detail)


def _differences(before: Any, after: Any, path: str) -> Iterator[str]:
    """Yield ``- path: old`` and ``+ path: new`` for each difference."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            inner = f"{path}.{key}" if path else key
            yield from _differences(before.get(key), after.get(key), inner)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for i, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, f"{path}[{i}]")
    else:
        if before is not None:
            yield f"- {path}: {shown(before)}"
        if after is not None:
            yield f"+ {path}: {shown(after)}"
