"""What a Service's Endpoints and EndpointSlice say of its pods: pure builders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubelab.client import SERVICES, Object, Resource
from kubelab.engine.controllers.conditions import is_true
from kubelab.engine.controllers.owners import owner_reference
from kubelab.informer import key_of

ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
SERVICE_NAME = "kubernetes.io/service-name"
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_HEADLESS = "service.kubernetes.io/headless"


def selects(service: Object, pod: Object) -> bool:
    """Say whether a Service's selector matches a pod's labels."""
    selector: Mapping[str, str] = service["spec"].get("selector") or {}
    labels = pod["metadata"].get("labels") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def build_slice(service: Object, pods: Sequence[Object]) -> Object:
    """Return the EndpointSlice of a Service with a selector."""
    meta = service["metadata"]
    labels = {
        **(meta.get("labels") or {}),
        SERVICE_NAME: meta["name"],
        _MANAGED_BY: "endpointslice-controller.k8s.io",
    }
    if service["spec"].get("clusterIP") == "None":
        labels[_HEADLESS] = ""
    shown = [pod for pod in sorted(pods, key=key_of) if has_address(pod)]
    return {
        "apiVersion": ENDPOINT_SLICES.api_version,
        "kind": ENDPOINT_SLICES.kind,
        "metadata": {
            "name": f"{meta['name']}-ipv4",
            "namespace": meta["namespace"],
            "labels": labels,
            "ownerReferences": [owner_reference(service, SERVICES)],
        },
        "addressType": "IPv4",
        "endpoints": [_endpoint(service, pod) for pod in shown],
        "ports": _ports(service, shown),
    }


def build_endpoints(service: Object, pods: Sequence[Object]) -> Object:
    """Return the Endpoints of a Service with a selector, for clients that do not know slices."""
    meta, everyone = service["metadata"], service["spec"].get("publishNotReadyAddresses")
    labels = dict(meta.get("labels") or {})
    if service["spec"].get("clusterIP") == "None":
        labels[_HEADLESS] = ""
    shown = [pod for pod in sorted(pods, key=key_of) if has_address(pod)]
    ready = [pod for pod in shown if everyone or (is_ready(pod) and not is_deleting(pod))]
    other = [pod for pod in shown if pod not in ready and not is_deleting(pod)]
    subset: Object = {
        key: [_address(service, pod) for pod in group]
        for key, group in (("addresses", ready), ("notReadyAddresses", other))
        if group
    }
    ports = _ports(service, shown)
    if subset and ports:
        subset["ports"] = ports
    endpoints: Object = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
    }
    if labels:
        endpoints["metadata"]["labels"] = labels
    if subset:
        endpoints["subsets"] = [subset]
    return endpoints


def _endpoint(service: Object, pod: Object) -> Object:
    serving = is_ready(pod)
    everyone = bool(service["spec"].get("publishNotReadyAddresses"))
    endpoint: Object = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": everyone or (serving and not is_deleting(pod)),
            "serving": serving,
            "terminating": is_deleting(pod),
        },
        "targetRef": _target(pod),
    }
    if _hostname(service, pod):
        endpoint["hostname"] = _hostname(service, pod)
    if pod["spec"].get("nodeName"):
        endpoint["nodeName"] = pod["spec"]["nodeName"]
    return endpoint


def _address(service: Object, pod: Object) -> Object:
    address: Object = {"ip": pod["status"]["podIP"], "targetRef": _target(pod)}
    if _hostname(service, pod):
        address["hostname"] = _hostname(service, pod)
    if pod["spec"].get("nodeName"):
        address["nodeName"] = pod["spec"]["nodeName"]
    return address


def _hostname(service: Object, pod: Object) -> str:
    spec = pod["spec"]
    named = spec.get("hostname") and spec.get("subdomain") == service["metadata"]["name"]
    return str(spec["hostname"]) if named else ""


def _target(pod: Object) -> Object:
    meta = pod["metadata"]
    return {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}


def _ports(service: Object, pods: Sequence[Object]) -> list[Object]:
    ports = []
    for port in service["spec"].get("ports") or ():
        number = _target_port(port, pods)
        if number is None:
            continue
        entry: Object = {"port": number, "protocol": port.get("protocol") or "TCP"}
        if port.get("name"):
            entry["name"] = port["name"]
        ports.append(entry)
    return ports


def _target_port(port: Object, pods: Sequence[Object]) -> int | None:
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    for pod in pods:
        for container in pod["spec"]["containers"]:
            for named in container.get("ports") or ():
                if named.get("name") == target:
                    return int(named["containerPort"])
    return None


def has_address(pod: Object) -> bool:
    """Say whether a pod has an address and has not ended."""
    status = pod.get("status") or {}
    return bool(status.get("podIP")) and status.get("phase") not in {"Succeeded", "Failed"}


def is_ready(pod: Object) -> bool:
    """Say whether a pod is ready."""
    return is_true((pod.get("status") or {}).get("conditions"), "Ready")


def is_deleting(pod: Object) -> bool:
    """Say whether a pod is being deleted."""
    return bool(pod["metadata"].get("deletionTimestamp"))
