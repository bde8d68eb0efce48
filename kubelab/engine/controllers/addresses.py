"""What a Service says of its pods, and its Endpoints: pure builders."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.client import Object
from kubelab.engine.controllers.pods import is_deleting, is_ready
from kubelab.informer import key_of

HEADLESS = "service.kubernetes.io/headless"


def build_endpoints(service: Object, pods: Sequence[Object]) -> Object:
    """Return the Endpoints of a Service with a selector, for clients that do not know slices."""
    meta, everyone = service["metadata"], service["spec"].get("publishNotReadyAddresses")
    labels = dict(meta.get("labels") or {})
    if service["spec"].get("clusterIP") == "None":
        labels[HEADLESS] = ""
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


def _address(service: Object, pod: Object) -> Object:
    address: Object = {"ip": pod["status"]["podIP"], "targetRef": target_of(pod)}
    if hostname_of(service, pod):
        address["hostname"] = hostname_of(service, pod)
    if pod["spec"].get("nodeName"):
        address["nodeName"] = pod["spec"]["nodeName"]
    return address


def hostname_of(service: Object, pod: Object) -> str:
    """Return the name that a pod has in a Service's domain, or nothing."""
    spec = pod["spec"]
    named = spec.get("hostname") and spec.get("subdomain") == service["metadata"]["name"]
    return str(spec["hostname"]) if named else ""


def target_of(pod: Object) -> Object:
    """Return the reference to a pod that stands beside its address."""
    meta = pod["metadata"]
    return {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}


def _ports(service: Object, pods: Sequence[Object]) -> list[Object]:
    ports = []
    for port in service["spec"].get("ports") or ():
        number = target_port(port, pods)
        if number is None:
            continue
        entry: Object = {"port": number, "protocol": port.get("protocol") or "TCP"}
        if port.get("name"):
            entry["name"] = port["name"]
        ports.append(entry)
    return ports


def target_port(port: Object, pods: Sequence[Object]) -> int | None:
    """Return the number of a Service's port in its pods; None if none of them has a port of that name."""
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
