"""Services and Endpoints (upstream: ``ValidateService`` of ``pkg/apis/core/validation``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubelab.client import Object
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.causes import Cause, duplicate, forbidden, invalid, required
from kubelab.engine.apiserver.validation.containers import validate_port
from kubelab.engine.apiserver.validation.metadata import IMMUTABLE, validate_labels

_NODE_PORT_TYPES = ("NodePort", "LoadBalancer")


def validate_service(service: Object) -> Iterator[Cause]:
    """Check a Service."""
    spec = service.get("spec") or {}
    type_, headless = spec.get("type", "ClusterIP"), spec.get("clusterIP") == "None"
    ports = spec.get("ports") or []
    if not ports and not headless and type_ != "ExternalName":
        yield required("spec.ports")
    if headless and type_ in _NODE_PORT_TYPES:
        yield invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {type_} services")
    if type_ == "ExternalName":
        yield from _validate_external_name(spec)
    elif spec.get("clusterIP") and not headless:
        for problem in names.ip_address(spec["clusterIP"]):
            yield invalid("spec.clusterIPs[0]", spec["clusterIP"], problem)
    if spec.get("selector"):
        yield from validate_labels(spec["selector"], "spec.selector")
    yield from _validate_ports(ports, type_)


def _validate_external_name(spec: Object) -> Iterator[Cause]:
    if spec.get("clusterIP"):
        yield forbidden("spec.clusterIPs", "may not be set for ExternalName services")
    name = (spec.get("externalName") or "").removesuffix(".")
    if not name:
        yield required("spec.externalName")
    for problem in names.dns1123_subdomain(name) if name else ():
        yield invalid("spec.externalName", name, problem)


def _validate_ports(ports: list[Object], type_: str) -> Iterator[Cause]:
    seen_names: set[str] = set()
    seen: set[tuple[Any, ...]] = set()
    for i, port in enumerate(ports):
        path, name = f"spec.ports[{i}]", port.get("name", "")
        if not name and len(ports) > 1:
            yield required(f"{path}.name")
        elif name and name in seen_names:
            yield duplicate(f"{path}.name", name)
        seen_names.add(name)
        if "targetPort" in port:
            yield from validate_port(port["targetPort"], f"{path}.targetPort")
        if port.get("nodePort") and type_ not in _NODE_PORT_TYPES:
            yield forbidden(f"{path}.nodePort", f"may not be used when `type` is '{type_}'")
        key = (port.get("protocol"), port.get("port"))
        if key in seen:
            shown = {"name": name, "protocol": key[0], "port": key[1], "targetPort": port.get("targetPort")}
            yield duplicate(path, shown)
        seen.add(key)


def validate_service_update(new: Object, old: Object) -> Iterator[Cause]:
    """Check that a Service keeps its address."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    if "ExternalName" in {before.get("type"), after.get("type")}:
        return
    was, now = before.get("clusterIP"), after.get("clusterIP")
    if was and was != now:
        shown = after.get("clusterIPs") or ([now] if now else [])
        yield invalid("spec.clusterIPs[0]", shown, "may not change once set" if now else IMMUTABLE)


def validate_endpoints(endpoints: Object) -> Iterator[Cause]:
    """Check Endpoints."""
    for i, subset in enumerate(endpoints.get("subsets") or ()):
        path = f"subsets[{i}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            yield required(path, "must specify `addresses` or `notReadyAddresses`")
        for field in ("addresses", "notReadyAddresses"):
            for j, address in enumerate(subset.get(field) or ()):
                for problem in names.ip_address(address.get("ip", "")):
                    yield invalid(f"{path}.{field}[{j}].ip", address.get("ip", ""), problem)
        yield from _validate_endpoint_ports(subset.get("ports") or [], f"{path}.ports")


def validate_endpoint_slice(endpoint_slice: Object) -> Iterator[Cause]:
    """Check an EndpointSlice."""
    type_ = endpoint_slice.get("addressType")
    for i, endpoint in enumerate(endpoint_slice.get("endpoints") or ()):
        addresses = endpoint.get("addresses") or []
        if not addresses:
            yield required(f"endpoints[{i}].addresses", "must contain at least 1 address")
        for j, address in enumerate(addresses):
            check = names.dns1123_subdomain if type_ == "FQDN" else names.ip_address
            for problem in check(address):
                yield invalid(f"endpoints[{i}].addresses[{j}]", address, problem)
    seen: set[str] = set()
    for i, port in enumerate(endpoint_slice.get("ports") or ()):
        if port.get("name", "") in seen:
            yield duplicate(f"ports[{i}].name", port.get("name", ""))
        seen.add(port.get("name", ""))


def _validate_endpoint_ports(ports: list[Object], path: str) -> Iterator[Cause]:
    for i, port in enumerate(ports):
        if len(ports) > 1 and not port.get("name"):
            yield required(f"{path}[{i}].name")
        for problem in names.port_number(port.get("port", 0)):
            yield invalid(f"{path}[{i}].port", port.get("port", 0), problem)
