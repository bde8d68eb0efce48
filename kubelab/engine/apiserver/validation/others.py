"""Configuration, access, storage and scheduling kinds: short rules that need more than one field.

Upstream: the ``validation`` package of each API group.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubelab.client import Object
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.causes import (
    Cause,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
    too_long,
)
from kubelab.engine.apiserver.validation.metadata import unchanged

_MAX_DATA = 1024 * 1024  # MaxSecretSize
_SYSTEM_PRIORITY = "system-"
_HIGHEST_USER_PRIORITY = 1_000_000_000
_SECRET_KEYS = {
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_RBAC = "rbac.authorization.k8s.io"


def validate_config_map(config_map: Object) -> Iterator[Cause]:
    """Check a ConfigMap's keys, values and size."""
    data, binary = config_map.get("data") or {}, config_map.get("binaryData") or {}
    size = 0
    for field, values in (("data", data), ("binaryData", binary)):
        for key, value in values.items():
            for problem in names.config_key(key):
                yield invalid(f"{field}[{key}]", key, problem)
            size += len(value.encode()) if field == "data" else len(value) * 3 // 4
    for key in data:
        if key in binary:
            yield invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    if size > _MAX_DATA:
        yield too_long("[]", _MAX_DATA)  # upstream: the String of an empty field.Path


def validate_secret(secret: Object) -> Iterator[Cause]:
    """Check a Secret's keys, values and size, and the keys that its type needs."""
    data = secret.get("data") or {}
    for key in data:
        for problem in names.config_key(key):
            yield invalid(f"data[{key}]", key, problem)
    if sum(len(value) * 3 // 4 for value in data.values()) > _MAX_DATA:
        yield too_long("data", _MAX_DATA)
    for key in _SECRET_KEYS.get(secret.get("type", ""), ()):
        if key not in data:
            yield required(f"data[{key}]")


def validate_data_update(new: Object, old: Object) -> Iterator[Cause]:
    """Check that an immutable ConfigMap or Secret keeps its data."""
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield forbidden("immutable", "field is immutable when `immutable` is set")
    for field in ("data", "binaryData"):
        if (new.get(field) or {}) != (old.get(field) or {}):
            yield forbidden(field, "field is immutable when `immutable` is set")


def validate_secret_update(new: Object, old: Object) -> Iterator[Cause]:
    """Check that a Secret keeps its type, and its data if it is immutable."""
    yield from unchanged(new.get("type"), old.get("type"), "type")
    yield from validate_data_update(new, old)


def validate_role(role: Object) -> Iterator[Cause]:
    """Check the rules of a Role or ClusterRole."""
    for i, rule in enumerate(role.get("rules") or ()):
        if rule.get("nonResourceURLs"):
            if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
                detail = "rules cannot apply to both regular resources and non-resource URLs"
                yield invalid(f"rules[{i}].nonResourceURLs", rule["nonResourceURLs"], detail)
            continue
        if not rule.get("apiGroups"):
            yield required(f"rules[{i}].apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield required(f"rules[{i}].resources", "resource rules must supply at least one resource")


def validate_role_binding(binding: Object) -> Iterator[Cause]:
    """Check whom a RoleBinding or ClusterRoleBinding binds to what."""
    reference = binding.get("roleRef") or {}
    if reference.get("apiGroup") != _RBAC:
        yield not_supported("roleRef.apiGroup", reference.get("apiGroup", ""), [_RBAC])
    allowed = ["ClusterRole"] if binding.get("kind") == "ClusterRoleBinding" else ["Role", "ClusterRole"]
    if reference.get("kind") and reference["kind"] not in allowed:
        yield not_supported("roleRef.kind", reference["kind"], allowed)
    for i, subject in enumerate(binding.get("subjects") or ()):
        if subject.get("kind") == "ServiceAccount" and not subject.get("namespace"):
            yield required(f"subjects[{i}].namespace")


def validate_role_binding_update(new: Object, old: Object) -> Iterator[Cause]:
    """Check that a binding keeps its role."""
    if new.get("roleRef") != old.get("roleRef"):
        yield invalid("roleRef", new.get("roleRef"), "cannot change roleRef")


def validate_priority_class(priority_class: Object) -> Iterator[Cause]:
    """Check that user-defined priorities stay below those of the system."""
    name, value = priority_class.get("metadata", {}).get("name", ""), priority_class.get("value", 0)
    if name.startswith(_SYSTEM_PRIORITY):
        if name not in {"system-node-critical", "system-cluster-critical"}:
            detail = "priority class names with 'system-' prefix are reserved for system use only"
            yield forbidden("metadata.name", f"{detail}. error: {name} is not a known system priority class")
    elif value > _HIGHEST_USER_PRIORITY:
        detail = f"maximum allowed value of a user defined priority is {_HIGHEST_USER_PRIORITY}"
        yield forbidden("value", detail)


def validate_priority_class_update(new: Object, old: Object) -> Iterator[Cause]:
    """Check that a PriorityClass keeps its value."""
    if new.get("value", 0) != old.get("value", 0):
        yield forbidden("value", "may not be changed in an update.")
    yield from unchanged(new.get("preemptionPolicy"), old.get("preemptionPolicy"), "preemptionPolicy")


def validate_storage_class_update(new: Object, old: Object) -> Iterator[Cause]:
    """Check that a StorageClass keeps what volumes were made by."""
    for field in ("parameters", "provisioner", "reclaimPolicy"):
        if new.get(field) != old.get(field):
            yield forbidden(
                field,
                "updates to parameters are forbidden."
                if field == "parameters"
                else f"updates to {field} are forbidden.",
            )
    yield from unchanged(new.get("volumeBindingMode"), old.get("volumeBindingMode"), "volumeBindingMode")


def validate_node(node: Object) -> Iterator[Cause]:
    """Check a Node's taints."""
    seen: set[tuple[object, object]] = set()
    for i, taint in enumerate((node.get("spec") or {}).get("taints") or ()):
        path, key = f"spec.taints[{i}]", taint.get("key", "")
        for problem in names.qualified_name(key) if key else ():
            yield invalid(f"{path}.key", key, problem)
        for problem in names.label_value(taint.get("value") or ""):
            yield invalid(f"{path}.value", taint["value"], problem)
        if (key, taint.get("effect")) in seen:
            yield duplicate(path, taint)
        seen.add((key, taint.get("effect")))


def validate_lease(lease: Object) -> Iterator[Cause]:
    """Check a Lease."""
    spec = lease.get("spec") or {}
    duration, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if duration is not None and duration <= 0:
        yield invalid("spec.leaseDurationSeconds", duration, "must be greater than 0")
    if transitions is not None and transitions < 0:
        yield invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0")


def validate_event(event: Object) -> Iterator[Cause]:
    """Check that an Event lies where the object it speaks of does."""
    namespace = event.get("metadata", {}).get("namespace")
    about = (event.get("involvedObject") or {}).get("namespace", "")
    if about and about != namespace:
        yield invalid("involvedObject.namespace", about, "does not match event.namespace")
    if not about and namespace not in {"default", "kube-system"}:
        yield invalid("involvedObject.namespace", about, "does not match event.namespace")
