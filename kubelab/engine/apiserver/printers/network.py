"""How Services and what belongs to them are shown."""

from __future__ import annotations

from datetime import datetime

from kubelab.client import Object
from kubelab.engine.apiserver.printers.columns import (
    AGE,
    NONE,
    UNKNOWN,
    UNSET,
    Cell,
    Printer,
    age,
    columns,
    joined,
    labels_text,
    more,
    name_of,
    section,
    selector_text,
    text,
    wide,
)


def _service(obj: Object, now: datetime) -> list[Cell]:
    spec = section(obj, "spec")
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP") or NONE]
    return [
        name_of(obj),
        spec.get("type", ""),
        addresses[0],
        _external_address(obj),
        joined(map(_service_port, spec.get("ports") or [])) or NONE,
        age(obj, now),
        labels_text(spec.get("selector")),
    ]


def _service_port(port: Object) -> str:
    node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port['port']}{node_port}/{port.get('protocol', 'TCP')}"


def _external_address(service: Object) -> str:
    spec = section(service, "spec")
    addresses = spec.get("externalIPs") or []
    match spec.get("type"):
        case "ClusterIP" | "NodePort":
            return joined(addresses) or NONE
        case "LoadBalancer":
            return joined([*_balancers(service), *addresses]) or "<pending>"
        case "ExternalName":
            return text(spec.get("externalName"))
    return UNKNOWN


def _balancers(obj: Object) -> list[str]:
    ingress = (section(obj, "status").get("loadBalancer") or {}).get("ingress") or []
    return sorted({found for point in ingress if (found := point.get("ip") or point.get("hostname"))})


def _endpoints(obj: Object, now: datetime) -> list[Cell]:
    subsets = obj.get("subsets") or []
    found = [
        f"{_bracketed(address['ip'])}:{port['port']}" if port else address["ip"]
        for subset in subsets
        for port in subset.get("ports") or [None]
        for address in subset.get("addresses") or []
    ]
    return [name_of(obj), more(found, len(found)) if subsets else NONE, age(obj, now)]


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _endpoint_slice(obj: Object, now: datetime) -> list[Cell]:
    ports = [str(port.get("port") or port.get("name") or "*") for port in obj.get("ports") or []]
    addresses = [
        address for endpoint in obj.get("endpoints") or [] for address in endpoint.get("addresses") or []
    ]
    shown = [more(items, len(items)) or UNSET for items in (ports, addresses)]
    return [name_of(obj), obj.get("addressType", ""), *shown, age(obj, now)]


def _ingress(obj: Object, now: datetime) -> list[Cell]:
    spec = section(obj, "spec")
    rules = spec.get("rules") or []
    hosts = [rule["host"] for rule in rules if rule.get("host")]
    return [
        name_of(obj),
        text(spec.get("ingressClassName"), NONE),
        more(hosts, len(rules) if len(hosts) > 3 else len(hosts)) or "*",
        joined(_balancers(obj)),
        "80, 443" if spec.get("tls") else "80",
        age(obj, now),
    ]


def _ingress_class(obj: Object, now: datetime) -> list[Cell]:
    spec = section(obj, "spec")
    given = spec.get("parameters")
    parameters = NONE
    if given:
        group = f".{given['apiGroup']}" if given.get("apiGroup") else ""
        parameters = f"{given['kind']}{group}/{given['name']}"
    return [name_of(obj), text(spec.get("controller")), parameters, age(obj, now)]


def _network_policy(obj: Object, now: datetime) -> list[Cell]:
    return [name_of(obj), selector_text(section(obj, "spec").get("podSelector")), age(obj, now)]


NETWORK: dict[tuple[str, str], Printer] = {
    ("", "Service"): Printer(
        columns("Type", "Cluster-IP", "External-IP", "Port(s)", AGE, wide("Selector")), _service
    ),
    ("", "Endpoints"): Printer(columns("Endpoints", AGE), _endpoints),
    ("discovery.k8s.io", "EndpointSlice"): Printer(
        columns("AddressType", "Ports", "Endpoints", AGE), _endpoint_slice
    ),
    ("networking.k8s.io", "Ingress"): Printer(columns("Class", "Hosts", "Address", "Ports", AGE), _ingress),
    ("networking.k8s.io", "IngressClass"): Printer(columns("Controller", "Parameters", AGE), _ingress_class),
    ("networking.k8s.io", "NetworkPolicy"): Printer(columns("Pod-Selector", AGE), _network_policy),
}
