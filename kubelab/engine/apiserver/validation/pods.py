"""Pods and pod templates (upstream: ``ValidatePodSpec`` and ``ValidatePodUpdate``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubelab.client import Object
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.affinity import validate_affinity, validate_spread
from kubelab.engine.apiserver.validation.causes import Cause, duplicate, forbidden, invalid, required
from kubelab.engine.apiserver.validation.containers import validate_container, validate_init_container
from kubelab.engine.apiserver.validation.metadata import validate_annotations, validate_labels
from kubelab.engine.apiserver.validation.resources import validate_resize_policy
from kubelab.engine.apiserver.validation.volumes import validate_volumes


def validate_pod(pod: Object) -> Iterator[Cause]:
    """Check a Pod's spec, fields together."""
    spec = pod.get("spec") or {}
    yield from validate_pod_spec(spec, "spec")
    if spec.get("ephemeralContainers"):
        yield forbidden("spec.ephemeralContainers", "cannot be set on create")
    if spec.get("schedulingGates") and spec.get("nodeName"):
        yield forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")


def validate_template(template: Object, path: str) -> Iterator[Cause]:
    """Check a workload's pod template."""
    metadata = template.get("metadata") or {}
    yield from validate_labels(metadata.get("labels") or {}, f"{path}.labels")
    yield from validate_annotations(metadata.get("annotations") or {}, f"{path}.annotations")
    spec = template.get("spec") or {}
    yield from validate_pod_spec(spec, f"{path}.spec")
    if spec.get("ephemeralContainers"):
        yield forbidden(
            f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template"
        )


def validate_pod_spec(spec: Object, path: str) -> Iterator[Cause]:
    """Check a pod's spec: volumes, containers, and where it may run."""
    volumes: set[str] = set()
    if spec.get("volumes"):
        yield from validate_volumes(spec["volumes"], f"{path}.volumes")
        volumes = {volume.get("name", "") for volume in spec["volumes"]}
    yield from _validate_containers(spec, volumes, path)
    if spec.get("nodeSelector"):
        yield from validate_labels(spec["nodeSelector"], f"{path}.nodeSelector")
    if spec.get("affinity"):
        yield from validate_affinity(spec["affinity"], f"{path}.affinity")
    if spec.get("tolerations"):
        yield from _validate_tolerations(spec["tolerations"], f"{path}.tolerations")
    if spec.get("topologySpreadConstraints"):
        yield from validate_spread(spec["topologySpreadConstraints"], f"{path}.topologySpreadConstraints")
    if spec.get("dnsPolicy") == "None" and not (spec.get("dnsConfig") or {}).get("nameservers"):
        detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        yield required(f"{path}.dnsConfig.nameservers", detail)
    if spec.get("schedulingGates"):
        yield from _validate_gates(spec["schedulingGates"], f"{path}.schedulingGates")
    for i, alias in enumerate(spec.get("hostAliases") or ()):
        for problem in names.ip_address(alias.get("ip", "")):
            yield invalid(f"{path}.hostAliases[{i}].ip", alias.get("ip", ""), problem)


def _validate_containers(spec: Object, volumes: set[str], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    ports: set[tuple[Any, ...]] = set()
    for field in ("initContainers", "containers"):
        for i, container in enumerate(spec.get(field) or ()):
            at = f"{path}.{field}[{i}]"
            name = container.get("name")
            if name in seen:
                yield duplicate(f"{at}.name", name)
            seen.add(name)
            yield from validate_container(container, volumes, at)
            if container.get("resizePolicy"):
                yield from validate_resize_policy(container, spec, at)
            if field == "initContainers":
                yield from validate_init_container(container, at)
            if container.get("ports"):
                yield from _validate_host_ports(container["ports"], spec, ports, f"{at}.ports")


def _validate_host_ports(
    container_ports: list[Object], spec: Object, taken: set[tuple[Any, ...]], path: str
) -> Iterator[Cause]:
    for i, port in enumerate(container_ports):
        host_port = port.get("hostPort")
        if not host_port:
            continue
        if spec.get("hostNetwork") and host_port != port.get("containerPort"):
            detail = "must match `containerPort` when `hostNetwork` is true"
            yield invalid(f"{path}[{i}].hostPort", host_port, detail)
        key = (port.get("protocol"), port.get("hostIP", ""), host_port)
        if key in taken:
            yield duplicate(f"{path}[{i}].hostPort", "/".join(map(str, key)))
        taken.add(key)


def _validate_tolerations(tolerations: list[Object], path: str) -> Iterator[Cause]:
    for i, toleration in enumerate(tolerations):
        at = f"{path}[{i}]"
        operator = toleration.get("operator") or "Equal"
        if toleration.get("key"):
            for problem in names.qualified_name(toleration["key"]):
                yield invalid(f"{at}.key", toleration["key"], problem)
        elif operator != "Exists":
            detail = (
                'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            )
            yield invalid(f"{at}.operator", toleration.get("operator", ""), detail)
        if toleration.get("tolerationSeconds") is not None and toleration.get("effect") != "NoExecute":
            detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            yield invalid(f"{at}.effect", toleration.get("effect", ""), detail)
        if operator == "Exists" and toleration.get("value"):
            detail = "value must be empty when `operator` is 'Exists'"
            yield invalid(f"{at}.operator", toleration["value"], detail)


def _validate_gates(gates: list[Object], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for i, gate in enumerate(gates):
        name = gate.get("name", "")
        for problem in names.qualified_name(name) if name else ():
            yield invalid(f"{path}[{i}]", name, problem)
        if name in seen:
            yield duplicate(f"{path}[{i}]", name)
        seen.add(name)
