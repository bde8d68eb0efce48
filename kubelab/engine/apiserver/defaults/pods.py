"""Defaults of pods and pod templates (upstream: ``pkg/apis/core/v1/defaults.go``)."""

from __future__ import annotations

from typing import Any

from kubelab.client import Object
from kubelab.engine.apiserver.defaults.quantities import canonicalize

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_FILE_MODE = 0o644
_TOKEN_EXPIRATION_S = 3600  # v1.DefaultServiceAccountTokenExpiration...: one hour


def default_pod(pod: Object) -> None:
    """Default a Pod, including what only pods get and their templates do not."""
    spec = pod.setdefault("spec", {})
    spec.setdefault("enableServiceLinks", True)
    for containers in ("containers", "initContainers"):
        for container in spec.get(containers) or ():
            _request_what_is_limited(container)
    default_pod_spec(spec)


def default_template(template: Object) -> None:
    """Default the pod template of a workload."""
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))


def default_pod_spec(spec: Object) -> None:
    """Default what pods and templates have in common."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})
    if spec.setdefault("terminationGracePeriodSeconds", 30) < 0:
        spec["terminationGracePeriodSeconds"] = 1
    _default_service_account(spec)
    host_network = spec.get("hostNetwork", False)
    for containers in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(containers) or ():
            _default_container(container, host_network)
    for volume in spec.get("volumes") or ():
        _default_volume(volume)


def _default_service_account(spec: Object) -> None:
    """Keep the deprecated ``serviceAccount`` equal to ``serviceAccountName``, as conversion does."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def _request_what_is_limited(container: Object) -> None:
    resources = container.get("resources")
    if resources and resources.get("limits"):
        requests = resources.setdefault("requests", {})
        for name, quantity in resources["limits"].items():
            requests.setdefault(name, quantity)


def _default_container(container: Object, host_network: bool) -> None:
    resources = container.setdefault("resources", {})
    if resources:
        canonicalize(resources.get("limits"))
        canonicalize(resources.get("requests"))
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    if "imagePullPolicy" not in container:
        container["imagePullPolicy"] = pull_policy(container.get("image", ""))
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if host_network and "containerPort" in port:
            port.setdefault("hostPort", port["containerPort"])
    for variable in container.get("env") or ():
        source = variable.get("valueFrom")
        if source and source.get("fieldRef"):
            source["fieldRef"].setdefault("apiVersion", "v1")
    _default_handlers(container)


def _default_handlers(container: Object) -> None:
    for name in _PROBES:
        if container.get(name):
            _default_probe(container[name])
    for handler in (container.get("lifecycle") or {}).values():
        if isinstance(handler, dict):
            _default_http(handler.get("httpGet"))


def pull_policy(image: str) -> str:
    """Return ``Always`` for the tag ``latest`` (written or implied), else ``IfNotPresent``."""
    name, _, digest = image.partition("@")
    _, colon, tag = name.rsplit("/", 1)[-1].partition(":")
    if colon:
        return "Always" if tag == "latest" else "IfNotPresent"
    return "IfNotPresent" if digest else "Always"


def _default_probe(probe: Object) -> None:
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)
    _default_http(probe.get("httpGet"))
    if probe.get("grpc"):
        probe["grpc"].setdefault("service", "")


def _default_http(action: Object | None) -> None:
    if action:
        action.setdefault("path", "/")
        action.setdefault("scheme", "HTTP")


def _default_volume(volume: Object) -> None:
    sources = volume.keys() - {"name"}
    if not sources:
        volume["emptyDir"] = {}
    for source in sources:
        value = volume[source]
        if isinstance(value, dict):
            _default_source(source, value)


def _default_source(source: str, value: Object) -> None:
    if source in {"secret", "configMap", "downwardAPI", "projected"}:
        value.setdefault("defaultMode", _FILE_MODE)
    if source == "hostPath":
        value.setdefault("type", "")
    elif source == "downwardAPI":
        _default_items(value)
    elif source == "projected":
        for part in value.get("sources") or ():
            _default_items(part.get("downwardAPI"))
            if part.get("serviceAccountToken"):
                part["serviceAccountToken"].setdefault("expirationSeconds", _TOKEN_EXPIRATION_S)
    elif source == "ephemeral":
        template = value.get("volumeClaimTemplate") or {}
        template.get("spec", {}).setdefault("volumeMode", "Filesystem")
    elif source == "image":
        value.setdefault("pullPolicy", pull_policy(str(value.get("reference", ""))))


def _default_items(downward: Any) -> None:
    for item in (downward or {}).get("items") or ():
        if item.get("fieldRef"):
            item["fieldRef"].setdefault("apiVersion", "v1")
