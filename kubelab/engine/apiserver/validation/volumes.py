"""Volumes of a pod, and the claims and persistent volumes behind them.

Upstream: ``ValidateVolumes`` and ``ValidatePersistentVolume*`` of ``pkg/apis/core/validation``.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from kubelab.client import Object
from kubelab.engine.apiserver.validation.causes import (
    Cause,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
)
from kubelab.engine.apiserver.validation.fields import ACCESS_MODES
from kubelab.engine.apiserver.validation.label_selectors import validate_selector
from kubelab.quantities import QuantityError, parse_quantity

_ITEM_SOURCES = ("configMap", "secret", "downwardAPI")
_CLAIM_IMMUTABLE = (
    "spec is immutable after creation except resources.requests "
    "and volumeAttributesClassName for bound claims"
)
_SOURCE_IMMUTABLE = "spec.persistentvolumesource is immutable after creation"
_VOLUME_FIELDS = frozenset(
    {
        "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity",
        "persistentVolumeReclaimPolicy", "storageClassName", "volumeAttributesClassName", "volumeMode",
    }
)  # fmt: skip


def validate_volumes(volumes: list[Object], path: str) -> Iterator[Cause]:
    """Check that volumes have different names and exactly one source each."""
    seen: set[str] = set()
    for i, volume in enumerate(volumes):
        name = volume.get("name", "")
        if name in seen:
            yield duplicate(f"{path}[{i}].name", name)
        seen.add(name)
        sources = [key for key in volume if key != "name"]
        if not sources:
            yield required(f"{path}[{i}]", "must specify a volume type")
        for extra in sources[1:]:
            yield forbidden(f"{path}[{i}].{extra}", "may not specify more than 1 volume type")
        for source in sources[:1]:
            yield from _validate_source(source, volume[source], f"{path}[{i}].{source}")


def _validate_source(source: str, value: Object, path: str) -> Iterator[Cause]:
    if source in _ITEM_SOURCES:
        yield from _validate_items(value.get("items"), path)
    elif source == "projected":
        for i, part in enumerate(value.get("sources") or ()):
            for key in list(part)[1:]:
                yield forbidden(f"{path}.sources[{i}].{key}", "may not specify more than 1 volume type")
            for key in _ITEM_SOURCES:
                if part.get(key):
                    yield from _validate_items(part[key].get("items"), f"{path}.sources[{i}].{key}")
            token = part.get("serviceAccountToken")
            if token is not None:
                yield from _validate_token(token, f"{path}.sources[{i}].serviceAccountToken")
    elif source == "emptyDir":
        yield from _validate_size(value.get("sizeLimit"), f"{path}.sizeLimit")
    elif source == "hostPath" and ".." in value.get("path", "").split("/"):
        yield invalid(f"{path}.path", value["path"], "must not contain '..'")


def _validate_items(items: list[Object] | None, path: str) -> Iterator[Cause]:
    for i, item in enumerate(items or ()):
        yield from _validate_within(item.get("path", ""), f"{path}.items[{i}].path")


def _validate_within(target: str, path: str) -> Iterator[Cause]:
    """Check a path within a volume (upstream: ``ValidateLocalNonReservedPath``)."""
    if target.startswith("/"):
        yield invalid(path, target, "must be a relative path")
    if ".." in target.split("/"):
        yield invalid(path, target, "must not contain '..'")
    if target.startswith("..") and not target.startswith("../"):
        yield invalid(path, target, "must not start with '..'")


def _validate_token(token: Object, path: str) -> Iterator[Cause]:
    expiration = token.get("expirationSeconds", 3600)
    if expiration < 600:
        detail = "may not specify a duration less than 10 minutes"
        yield invalid(f"{path}.expirationSeconds", expiration, detail)
    if not token.get("path"):
        yield required(f"{path}.path")
    yield from _validate_within(token.get("path", ""), f"{path}.path")


def _validate_size(size: str | float | None, path: str) -> Iterator[Cause]:
    if size is not None and parse_quantity(size) < 0:
        yield invalid(path, size, "must be greater than or equal to 0")


def validate_claim(claim: Object) -> Iterator[Cause]:
    """Check a PersistentVolumeClaim's spec."""
    yield from validate_claim_spec(claim.get("spec") or {}, "spec")


def validate_claim_spec(spec: Object, path: str) -> Iterator[Cause]:
    """Check a claim's access modes, size and selector."""
    yield from _validate_access_modes(spec.get("accessModes") or [], f"{path}.accessModes")
    yield from validate_selector(spec.get("selector"), f"{path}.selector")
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        yield required(f"{path}.resources[storage]")
    else:
        yield from _validate_positive(storage, f"{path}.resources[storage]")


def validate_claim_update(new: Object, old: Object) -> Iterator[Cause]:
    """Check that a claim's spec only grows, or is filled in by binding."""
    before, after = dict(old.get("spec") or {}), dict(new.get("spec") or {})
    was, now = _requested(before), _requested(after)
    for spec in (before, after):
        spec.pop("resources", None)
        spec.pop("volumeAttributesClassName", None)
    if "volumeName" not in before:
        after.pop("volumeName", None)
    if "storageClassName" not in before:
        after.pop("storageClassName", None)
    if before != after:
        yield forbidden("spec", _CLAIM_IMMUTABLE)
    elif now < was:
        detail = "field can not be less than status.capacity"
        yield forbidden("spec.resources.requests.storage", detail)
    elif now != was and (old.get("status") or {}).get("phase") != "Bound":
        yield forbidden("spec", _CLAIM_IMMUTABLE)


def validate_volume(volume: Object) -> Iterator[Cause]:
    """Check a PersistentVolume's spec."""
    spec = volume.get("spec") or {}
    yield from _validate_access_modes(spec.get("accessModes") or [], "spec.accessModes")
    capacity = spec.get("capacity") or {}
    if capacity and "storage" not in capacity:
        yield not_supported("spec.capacity", min(capacity), ["storage"])
    elif capacity:
        yield from _validate_positive(capacity["storage"], "spec.capacity[storage]")
    sources = _source(spec)
    if not sources:
        yield required("spec", "must specify a volume type")
    for extra in list(sources)[1:]:
        yield forbidden(f"spec.{extra}", "may not specify more than 1 volume type")
    if "local" in sources and not spec.get("nodeAffinity"):
        yield required("spec.nodeAffinity", "Local volume requires node affinity")


def validate_volume_update(new: Object, old: Object) -> Iterator[Cause]:
    """Check that a PersistentVolume keeps its source."""
    if _source(new.get("spec") or {}) != _source(old.get("spec") or {}):
        yield forbidden("spec.persistentvolumesource", _SOURCE_IMMUTABLE)


def _source(spec: Object) -> Object:
    return {key: value for key, value in spec.items() if key not in _VOLUME_FIELDS}


def _requested(spec: Object) -> Decimal:
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage", 0)
    return parse_quantity(storage)


def _validate_access_modes(modes: list[str], path: str) -> Iterator[Cause]:
    for mode in modes:
        if mode not in ACCESS_MODES:
            yield not_supported(path, mode, ACCESS_MODES)
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        yield forbidden(path, "may not use ReadWriteOncePod with other access modes")


def _validate_positive(quantity: str | float, path: str) -> Iterator[Cause]:
    try:
        positive = parse_quantity(quantity) > 0
    except QuantityError:
        positive = False
    if not positive:
        yield invalid(path, str(quantity), "must be greater than zero")
