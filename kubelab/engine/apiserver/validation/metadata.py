"""Validation of ``metadata`` (upstream: apimachinery's ``pkg/api/validation/objectmeta.go``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubelab.client import Object
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.causes import (
    Cause,
    forbidden,
    invalid,
    required,
    too_long,
)

IMMUTABLE = "field is immutable"
_MAX_ANNOTATIONS = 256 * 1024  # TotalAnnotationSizeLimitB
_STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_LABEL_NAMES = frozenset({"Namespace"})
_PATH_NAMES = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})


def validate_metadata(kind: Kind, metadata: Object, path: str = "metadata") -> Iterator[Cause]:
    """Check the metadata of an object that is to be stored, its name included."""
    name = metadata.get("name")
    if metadata.get("generateName"):
        for problem in _name_check(kind)(_maskable(metadata["generateName"])):
            yield invalid(f"{path}.generateName", metadata["generateName"], problem)
    if not name:
        yield required(f"{path}.name", "name or generateName is required")
    else:
        for problem in _name_check(kind)(name):
            yield invalid(f"{path}.name", name, problem)
    namespace = metadata.get("namespace")
    if kind.resource.namespaced:
        if not namespace:
            yield required(f"{path}.namespace")
        else:
            for problem in names.dns1123_label(namespace):
                yield invalid(f"{path}.namespace", namespace, problem)
    elif namespace:
        yield forbidden(f"{path}.namespace", "not allowed on this type")
    yield from validate_common(metadata, path)
    yield from validate_known_finalizers(kind, metadata, path)


def validate_common(metadata: Object, path: str) -> Iterator[Cause]:
    """Check what is checked whenever metadata is written."""
    if metadata.get("labels"):
        yield from validate_labels(metadata["labels"], f"{path}.labels")
    if metadata.get("annotations"):
        yield from validate_annotations(metadata["annotations"], f"{path}.annotations")
    if metadata.get("ownerReferences"):
        yield from _validate_owners(metadata["ownerReferences"], f"{path}.ownerReferences")
    for finalizer in metadata.get("finalizers") or ():
        for problem in names.qualified_name(finalizer):
            yield invalid(f"{path}.finalizers", finalizer, problem)


def validate_labels(labels: Mapping[str, str], path: str) -> Iterator[Cause]:
    """Check the keys and values of labels."""
    for key, value in labels.items():
        for problem in names.qualified_name(key):
            yield invalid(path, key, problem)
        for problem in names.label_value(value):
            yield invalid(path, value, problem)


def validate_annotations(annotations: Mapping[str, str], path: str) -> Iterator[Cause]:
    """Check the keys of annotations, and the size of them all."""
    size = 0
    for key, value in annotations.items():
        for problem in names.qualified_name(key.lower()):
            yield invalid(path, key, problem)
        size += len(key.encode()) + len(value.encode())
    if size > _MAX_ANNOTATIONS:
        yield too_long(path, _MAX_ANNOTATIONS)


def validate_known_finalizers(kind: Kind, metadata: Object, path: str) -> Iterator[Cause]:
    """Check that a built-in kind's finalizers without a domain are Kubernetes' own."""
    if kind.custom is not None or kind.resource.group == "apiextensions.k8s.io":
        return
    for i, finalizer in enumerate(metadata.get("finalizers") or ()):
        if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
            detail = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid(f"{path}.finalizers[{i}]", finalizer, detail)


def _validate_owners(owners: list[Object], path: str) -> Iterator[Cause]:
    controller: Object | None = None
    for i, owner in enumerate(owners):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                yield required(f"{path}[{i}].{field}", "must not be empty")
        if owner.get("controller"):
            if controller is not None:
                both = f'Found "true" in references for {_owner(controller)} and {_owner(owner)}'
                detail = f"Only one reference can have Controller set to true. {both}"
                yield invalid(path, owners, detail)
            controller = owner


def _owner(owner: Object) -> str:
    return f"{owner.get('kind')}/{owner.get('name')}"


def validate_metadata_update(new: Object, old: Object, path: str = "metadata") -> Iterator[Cause]:
    """Check that a change leaves alone what only the server decides."""
    for field in ("name", "namespace", "uid", "creationTimestamp"):
        if new.get(field) != old.get(field):
            yield invalid(f"{path}.{field}", new.get(field), IMMUTABLE)
    for field in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        if new.get(field) != old.get(field) and field in old:
            yield invalid(f"{path}.{field}", new.get(field), IMMUTABLE)
    if "deletionTimestamp" in old:
        added = [name for name in new.get("finalizers") or () if name not in (old.get("finalizers") or ())]
        if added:
            listed = ", ".join(f'"{name}"' for name in added)
            detail = (
                "no new finalizers can be added if the object is being deleted, "
                f"found new finalizers []string{{{listed}}}"
            )
            yield forbidden(f"{path}.finalizers", detail)


def unchanged(new: Any, old: Any, path: str) -> Iterator[Cause]:
    """Check that a field did not change."""
    if new != old:
        yield invalid(path, new, IMMUTABLE)


def _name_check(kind: Kind) -> names.Check:
    name = kind.resource.kind
    if name in _LABEL_NAMES:
        return names.dns1123_label
    return names.path_segment if name in _PATH_NAMES else names.dns1123_subdomain


def _maskable(prefix: str) -> str:
    """Let a generateName end with a dash: the server appends letters."""
    return f"{prefix[:-1]}a" if prefix.endswith("-") else prefix
