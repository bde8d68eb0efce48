"""Which names a pod can resolve: its own, and those of the cluster's Services. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.objects import is_ready, selects

DOMAIN = "cluster.local"
_HEADER = (
    "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
)


@dataclass(frozen=True, slots=True)
class Name:
    """One name within a namespace, such as ``trainer-node-0-0.trainer``, and its addresses."""

    namespace: str
    name: str
    addresses: tuple[str, ...]


def hostname_of(pod: Object) -> str:
    """Return the pod's hostname: its own, or its name cut to 63 characters as the kubelet cuts it."""
    return str(pod["spec"].get("hostname") or pod["metadata"]["name"][:63].rstrip("-."))


def service_names(
    services: Iterable[Object], pods: Iterable[Object], addresses: Mapping[str, str]
) -> list[Name]:
    """Return what DNS would answer.

    Parameters
    ----------
    services, pods : iterable of object
        All of the cluster's.
    addresses : mapping of str to str
        Pod uid to address, for pods that have one already.

    Returns
    -------
    list of Name
        A Service's own name for its ready pods (all of them where it publishes those that are not ready),
        and ``<hostname>.<service>`` for pods that name it as their subdomain. There is no proxy on this
        node, so a Service with a cluster IP resolves to its pods too.
    """
    by_namespace: dict[str, list[Object]] = {}
    for pod in pods:
        if pod["metadata"]["uid"] in addresses:
            by_namespace.setdefault(pod["metadata"]["namespace"], []).append(pod)
    found: list[Name] = []
    for service in services:
        found += _names_of(service, by_namespace.get(service["metadata"]["namespace"], []), addresses)
    return found


def _names_of(service: Object, pods: list[Object], addresses: Mapping[str, str]) -> list[Name]:
    selected = [pod for pod in pods if selects(service, pod)]
    spec, meta = service["spec"], service["metadata"]
    if not spec.get("publishNotReadyAddresses"):
        selected = [pod for pod in selected if is_ready(pod)]
    if not selected:
        return []
    name, namespace = meta["name"], meta["namespace"]
    whole = Name(namespace, name, tuple(addresses[pod["metadata"]["uid"]] for pod in selected))
    members = [
        Name(namespace, f"{hostname_of(pod)}.{name}", (addresses[pod["metadata"]["uid"]],))
        for pod in selected
        if pod["spec"].get("subdomain") == name and pod["spec"].get("hostname")
    ]
    return [whole, *members]


def own_names(pod: Object, services: Iterable[Object]) -> set[str]:
    """Return the names within its namespace that stand for this pod, once it has an address.

    That is ``<hostname>.<subdomain>``; for a pod without one, the Services that select it, which for a
    JAXJob's replica are its own.
    """
    subdomain = pod["spec"].get("subdomain")
    if subdomain and pod["spec"].get("hostname"):
        return {f"{hostname_of(pod)}.{subdomain}"}
    namespace = pod["metadata"]["namespace"]
    return {
        service["metadata"]["name"]
        for service in services
        if service["metadata"]["namespace"] == namespace and selects(service, pod)
    }


def hosts_file(pod: Object, address: str, names: Iterable[Name]) -> str:
    """Return the pod's /etc/hosts."""
    own = hostname_of(pod)
    namespace = pod["metadata"]["namespace"]
    lines = [f"{address}\t{_own_line(pod, own, namespace)}\n"]
    for name in names:
        local = f"{name.name} " if name.namespace == namespace else ""
        qualified = f"{name.name}.{name.namespace}"
        spellings = f"{local}{qualified} {qualified}.svc {qualified}.svc.{DOMAIN}"
        lines += [f"{answer}\t{spellings}\n" for answer in name.addresses]
    extra = [
        f"{alias['ip']}\t{' '.join(alias.get('hostnames') or [])}\n"
        for alias in pod["spec"].get("hostAliases") or []
    ]
    return _HEADER + "".join(lines + extra)


def _own_line(pod: Object, own: str, namespace: str) -> str:
    subdomain = pod["spec"].get("subdomain")
    return f"{own}.{subdomain}.{namespace}.svc.{DOMAIN}\t{own}" if subdomain else own
