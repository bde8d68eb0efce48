"""Containers of a pod: what their fields must be together (upstream: ``pkg/apis/core/validation``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

from kubelab.client import Object
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.causes import (
    Cause,
    duplicate,
    forbidden,
    invalid,
    not_found,
    not_supported,
    required,
)
from kubelab.engine.apiserver.validation.resources import validate_resources

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_FIELD_PATHS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_DOWNWARD_ONLY = ("metadata.annotations", "metadata.labels")
_subscript = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]").fullmatch


def validate_container(container: Object, volumes: Collection[str], path: str) -> Iterator[Cause]:
    """Check one container; ``volumes`` are the names of the pod's volumes."""
    image = container.get("image", "")
    if image and image != image.strip():
        yield invalid(f"{path}.image", image, "must not have leading or trailing whitespace")
    for field, check in _PARTS.items():
        if container.get(field):
            yield from check(container[field], f"{path}.{field}")
    if container.get("volumeMounts"):
        yield from _validate_mounts(container["volumeMounts"], volumes, f"{path}.volumeMounts")
    for name in _PROBES:
        if container.get(name) is not None:
            yield from _validate_probe(name, container[name], f"{path}.{name}")


def validate_init_container(container: Object, path: str) -> Iterator[Cause]:
    """Check what only sidecars (init containers that always restart) may have."""
    if container.get("restartPolicy") == "Always":
        return
    for field in ("lifecycle", *_PROBES):
        if container.get(field):
            yield forbidden(
                f"{path}.{field}", "may not be set for init containers without restartPolicy=Always"
            )
    for i, policy in enumerate(container.get("resizePolicy") or ()):
        if policy.get("restartPolicy") == "RestartContainer":
            detail = "must not be set to 'RestartContainer' for non-sidecar initContainers"
            yield invalid(f"{path}.resizePolicy[{i}].restartPolicy", "RestartContainer", detail)


def _validate_ports(ports: list[Object], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for i, port in enumerate(ports):
        name = port.get("name")
        if name:
            if name in seen:
                yield duplicate(f"{path}[{i}].name", name)
            seen.add(name)


def _validate_env(variables: list[Object], path: str) -> Iterator[Cause]:
    for i, variable in enumerate(variables):
        if "valueFrom" in variable:
            yield from _validate_env_source(variable, f"{path}[{i}].valueFrom")


def _validate_lifecycle(lifecycle: Object, path: str) -> Iterator[Cause]:
    for hook, handler in lifecycle.items():
        if isinstance(handler, dict):
            yield from _validate_handler(handler, (*_HANDLERS[:3], "sleep"), f"{path}.{hook}")


def _validate_env_source(variable: Object, path: str) -> Iterator[Cause]:
    source = variable.get("valueFrom") or {}
    if len(source) != 1:
        if not source:
            kinds = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
            yield invalid(path, "", f"must specify one of: {kinds}")
            return
        else:
            yield invalid(path, "", "may not have more than one field specified at a time")
    if variable.get("value"):
        yield invalid(path, "", "may not be specified when `value` is not empty")
    if source.get("fieldRef"):
        yield from validate_field_ref(source["fieldRef"], _FIELD_PATHS, f"{path}.fieldRef")
    for reference in ("configMapKeyRef", "secretKeyRef"):
        key = (source.get(reference) or {}).get("key")
        if key:
            for problem in names.config_key(key):
                yield invalid(f"{path}.{reference}.key", key, problem)


def validate_field_ref(reference: Object, supported: tuple[str, ...], path: str) -> Iterator[Cause]:
    """Check a reference to a field of the pod."""
    field = reference.get("fieldPath", "")
    if not field or field in supported:
        return
    match = _subscript(field)
    if match is not None:
        for problem in names.qualified_name(match[2].lower() if match[1] == "annotations" else match[2]):
            yield invalid(path, match[2], problem)
    elif field in _DOWNWARD_ONLY or field in _FIELD_PATHS:
        yield not_supported(f"{path}.fieldPath", field, supported)
    else:
        detail = f"error converting fieldPath: field label not supported: {field}"
        yield invalid(f"{path}.fieldPath", field, detail)


def _validate_env_from(sources: list[Object], path: str) -> Iterator[Cause]:
    for i, source in enumerate(sources):
        given = [key for key in ("configMapRef", "secretRef") if source.get(key)]
        if not given:
            yield invalid(f"{path}[{i}]", "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(given) > 1:
            yield invalid(f"{path}[{i}]", "", "may not have more than one field specified at a time")
        for key in given:
            if not source[key].get("name"):
                yield required(f"{path}[{i}].{key}.name")


def _validate_mounts(mounts: list[Object], volumes: Collection[str], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for i, mount in enumerate(mounts):
        name, where = mount.get("name"), mount.get("mountPath")
        if name and name not in volumes:
            yield not_found(f"{path}[{i}].name", name)
        if where:
            if where in seen:
                yield invalid(f"{path}[{i}].mountPath", where, "must be unique")
            seen.add(where)
        for field in ("subPath", "subPathExpr"):
            inner = mount.get(field)
            if inner and (inner.startswith("/") or ".." in inner.split("/")):
                detail = "must be a relative path" if inner.startswith("/") else "must not contain '..'"
                yield invalid(f"{path}[{i}].{field}", inner, detail)


def _validate_probe(name: str, probe: Object, path: str) -> Iterator[Cause]:
    yield from _validate_handler(probe, _HANDLERS, path)
    if name != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        yield invalid(f"{path}.successThreshold", probe["successThreshold"], "must be 1")


def _validate_handler(handler: Object, known: tuple[str, ...], path: str) -> Iterator[Cause]:
    given = [key for key in known if handler.get(key) is not None]
    if not given:
        yield required(path, "must specify a handler type")
    for extra in given[1:]:
        yield forbidden(f"{path}.{extra}", "may not specify more than 1 handler type")
    for key in given[:1]:
        if key in {"httpGet", "tcpSocket"}:
            yield from validate_port(handler[key].get("port"), f"{path}.{key}.port")


def validate_port(port: Any, path: str) -> Iterator[Cause]:
    """Check a port given by number or by name."""
    if port is None:
        port = 0
    problems = names.port_number(port) if isinstance(port, int) else names.port_name(port)
    for problem in problems:
        yield invalid(path, port, problem)


_PARTS: dict[str, Callable[[Any, str], Iterator[Cause]]] = {
    "ports": _validate_ports,
    "env": _validate_env,
    "envFrom": _validate_env_from,
    "resources": validate_resources,
    "lifecycle": _validate_lifecycle,
}
