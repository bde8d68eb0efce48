"""Defaults of every other built-in kind that has some, smallest first.

Upstream: ``pkg/apis/*/v1/defaults.go``, and ``PrepareForCreate`` of the registries that fill in spec.
"""

from __future__ import annotations

from kubelab.client import Object
from kubelab.engine.apiserver.defaults.quantities import canonicalize

_RBAC = "rbac.authorization.k8s.io"


def default_namespace(namespace: Object) -> None:
    """Default a Namespace: its name is also a label."""
    metadata = namespace["metadata"]
    if metadata.get("name"):
        labels = metadata.get("labels")
        if labels is None:
            labels = metadata["labels"] = {}
        labels["kubernetes.io/metadata.name"] = metadata["name"]


def default_secret(secret: Object) -> None:
    """Default a Secret."""
    secret.setdefault("type", "Opaque")


def default_service(service: Object) -> None:
    """Default a Service."""
    spec = service.setdefault("spec", {})
    type_ = spec.setdefault("type", "ClusterIP")
    if spec.setdefault("sessionAffinity", "None") == "ClientIP":
        config = spec.setdefault("sessionAffinityConfig", {})
        config.setdefault("clientIP", {}).setdefault("timeoutSeconds", 10800)
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if not port.get("targetPort") and "port" in port:
            port["targetPort"] = port["port"]
    if type_ == "ExternalName":
        return
    if type_ in {"NodePort", "LoadBalancer"}:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if type_ == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec.get("clusterIP") == "None" and not spec.get("selector"):
        spec.setdefault("ipFamilies", ["IPv4", "IPv6"])  # whoever writes its endpoints may use either
        spec.setdefault("ipFamilyPolicy", "RequireDualStack")
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    if spec.get("clusterIP"):
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
    service.setdefault("status", {}).setdefault("loadBalancer", {})


def default_claim(claim: Object) -> None:
    """Default a PersistentVolumeClaim."""
    spec = claim.setdefault("spec", {})
    spec.setdefault("volumeMode", "Filesystem")
    canonicalize((spec.get("resources") or {}).get("requests"))
    claim.setdefault("status", {}).setdefault("phase", "Pending")


def default_volume(volume: Object) -> None:
    """Default a PersistentVolume."""
    spec = volume.setdefault("spec", {})
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
    canonicalize(spec.get("capacity"))
    spec.setdefault("volumeMode", "Filesystem")
    if spec.get("hostPath"):
        spec["hostPath"].setdefault("type", "")
    if spec.get("claimRef"):
        spec["claimRef"].setdefault("kind", "PersistentVolumeClaim")
        spec["claimRef"].setdefault("apiVersion", "v1")
    volume.setdefault("status", {}).setdefault("phase", "Pending")


def default_storage_class(storage_class: Object) -> None:
    """Default a StorageClass."""
    storage_class.setdefault("reclaimPolicy", "Delete")
    storage_class.setdefault("volumeBindingMode", "Immediate")


def default_priority_class(priority_class: Object) -> None:
    """Default a PriorityClass."""
    priority_class.setdefault("value", 0)
    priority_class.setdefault("preemptionPolicy", "PreemptLowerPriority")


def default_node(node: Object) -> None:
    """Default a Node: what is not set aside is allocatable."""
    status = node.get("status") or {}
    canonicalize(status.get("capacity"))
    canonicalize(status.get("allocatable"))
    if status.get("capacity") and not status.get("allocatable"):
        status["allocatable"] = dict(status["capacity"])


def default_endpoints(endpoints: Object) -> None:
    """Default Endpoints."""
    for subset in endpoints.get("subsets") or ():
        for port in subset.get("ports") or ():
            port.setdefault("protocol", "TCP")


def default_endpoint_slice(endpoint_slice: Object) -> None:
    """Default an EndpointSlice."""
    for port in endpoint_slice.get("ports") or ():
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")


def default_binding(binding: Object) -> None:
    """Default a RoleBinding or ClusterRoleBinding."""
    reference = binding.setdefault("roleRef", {})
    if not reference.get("apiGroup"):
        reference["apiGroup"] = _RBAC
    for subject in binding.get("subjects") or ():
        if subject.get("kind") in {"User", "Group"} and not subject.get("apiGroup"):
            subject["apiGroup"] = _RBAC


def default_limit_range(limit_range: Object) -> None:
    """Default a LimitRange: limits default to the maximum, requests to limits, else to the minimum."""
    for item in (limit_range.get("spec") or {}).get("limits") or ():
        if item.get("type") != "Container":
            continue
        limits = {**(item.get("max") or {}), **(item.get("default") or {})}
        requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
        item.update(
            {key: value for key, value in (("default", limits), ("defaultRequest", requests)) if value}
        )


def default_network_policy(policy: Object) -> None:
    """Default a NetworkPolicy."""
    spec = policy.setdefault("spec", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for rule in (*(spec.get("ingress") or ()), *(spec.get("egress") or ())):
        for port in rule.get("ports") or ():
            port.setdefault("protocol", "TCP")


def default_csi_driver(driver: Object) -> None:
    """Default a CSIDriver."""
    spec = driver.setdefault("spec", {})
    spec.setdefault("attachRequired", True)
    spec.setdefault("fsGroupPolicy", "ReadWriteOnceWithFSType")
    spec.setdefault("podInfoOnMount", False)
    spec.setdefault("requiresRepublish", False)
    spec.setdefault("seLinuxMount", False)
    spec.setdefault("storageCapacity", False)
    spec.setdefault("volumeLifecycleModes", ["Persistent"])


def default_definition(crd: Object) -> None:
    """Default a CustomResourceDefinition."""
    spec = crd.setdefault("spec", {})
    spec.setdefault("conversion", {"strategy": "None"})
    names = spec.setdefault("names", {})
    if names.get("kind"):
        names.setdefault("singular", names["kind"].lower())
        names.setdefault("listKind", names["kind"] + "List")
