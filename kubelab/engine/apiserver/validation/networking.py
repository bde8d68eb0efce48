"""Ingresses and NetworkPolicies (upstream: ``pkg/apis/networking/validation``)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from kubelab.client import Object
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.causes import Cause, forbidden, invalid, not_supported, required
from kubelab.engine.apiserver.validation.containers import validate_port
from kubelab.engine.apiserver.validation.label_selectors import validate_selector

_POLICY_TYPES = ("Egress", "Ingress")


def validate_ingress(ingress: Object) -> Iterator[Cause]:
    """Check an Ingress."""
    spec = ingress.get("spec") or {}
    rules = spec.get("rules") or []
    if not rules and not spec.get("defaultBackend"):
        yield invalid("spec", rules, "either `defaultBackend` or `rules` must be specified")
    if spec.get("defaultBackend"):
        yield from _validate_backend(spec["defaultBackend"], "spec.defaultBackend")
    for i, rule in enumerate(rules):
        host = rule.get("host", "").removeprefix("*.")
        for problem in names.dns1123_subdomain(host) if host else ():
            yield invalid(f"spec.rules[{i}].host", rule["host"], problem)
        for j, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            yield from _validate_path(path, f"spec.rules[{i}].http.paths[{j}]")


def _validate_path(path: Object, at: str) -> Iterator[Cause]:
    where = path.get("path", "")
    if path.get("pathType") in {"Exact", "Prefix"} and not where.startswith("/"):
        yield invalid(f"{at}.path", where, "must be an absolute path")
    yield from _validate_backend(path.get("backend") or {}, f"{at}.backend")


def _validate_backend(backend: Object, path: str) -> Iterator[Cause]:
    service, resource = backend.get("service"), backend.get("resource")
    if service and resource:
        yield invalid(path, "", "cannot set both resource and service backends")
    elif not service and not resource:
        yield required(path, "resource or service backend is required")
    elif service:
        yield from _validate_service_backend(service, f"{path}.service")


def _validate_service_backend(service: Object, path: str) -> Iterator[Cause]:
    if not service.get("name"):
        yield required(f"{path}.name")
    port = service.get("port") or {}
    if port.get("name") and port.get("number"):
        yield invalid(path, "", "cannot set both port name & port number")
    elif not port.get("name") and not port.get("number"):
        yield required(path, "port name or number is required")
    else:
        field = "name" if port.get("name") else "number"
        yield from validate_port(port[field], f"{path}.port.{field}")


def validate_network_policy(policy: Object) -> Iterator[Cause]:
    """Check a NetworkPolicy."""
    spec = policy.get("spec") or {}
    yield from validate_selector(spec.get("podSelector"), "spec.podSelector")
    for i, type_ in enumerate(spec.get("policyTypes") or ()):
        if type_ not in _POLICY_TYPES:
            yield not_supported(f"spec.policyTypes[{i}]", type_, _POLICY_TYPES)
    for field, peers in (("ingress", "from"), ("egress", "to")):
        for i, rule in enumerate(spec.get(field) or ()):
            at = f"spec.{field}[{i}]"
            for j, port in enumerate(rule.get("ports") or ()):
                if "port" in port:
                    yield from validate_port(port["port"], f"{at}.ports[{j}].port")
            for j, peer in enumerate(rule.get(peers) or ()):
                yield from _validate_peer(peer, f"{at}.{peers}[{j}]")


def _validate_peer(peer: Object, path: str) -> Iterator[Cause]:
    yield from validate_selector(peer.get("podSelector"), f"{path}.podSelector")
    yield from validate_selector(peer.get("namespaceSelector"), f"{path}.namespaceSelector")
    if not peer:
        yield required(path, "must specify a peer")
    block = peer.get("ipBlock")
    if block is None:
        return
    if len(peer) > 1:
        detail = "may not specify both ipBlock and another peer"
        yield forbidden(path, detail)
    try:
        ipaddress.ip_network(block.get("cidr", ""), strict=False)
    except ValueError:
        detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
        yield invalid(f"{path}.ipBlock.cidr", block.get("cidr", ""), detail)
