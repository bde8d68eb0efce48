"""Services as kube-proxy sees them: an address and port, and the endpoints behind it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from kubelab.errors import KubelabError

SERVICE_CIDR = IPv4Network("10.96.0.0/12")
"""Where cluster IPs are taken from; kubeadm's default."""

POD_CIDR = IPv4Network("10.128.0.0/10")
"""Where endpoints are taken from."""

SERVICE_PORT = 80
ENDPOINT_PORT = 8080


class Endpoint(NamedTuple):
    """One backend of a Service."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Service:
    """One port of a Service of type ClusterIP.

    Attributes
    ----------
    namespace, name, port_name : str
        Together they name the port, as kube-proxy does: ``ns1/svc1:p80``.
    cluster_ip : str
        Its virtual IPv4 address.
    port : int
        The port there.
    endpoints : tuple of Endpoint
        In the order in which rules name them.
    protocol : {"tcp", "udp", "sctp"}
        The transport.
    """

    namespace: str
    name: str
    port_name: str
    cluster_ip: str
    port: int
    endpoints: tuple[Endpoint, ...]
    protocol: str = "tcp"

    def __str__(self) -> str:
        """Return kube-proxy's ServicePortName; a port without a name has no colon."""
        return f"{self.namespace}/{self.name}{self.port_name and f':{self.port_name}'}"

    def with_endpoint_changed(self) -> Service:
        """Return it as after a rollout replaced its first pod, by one with an address unused so far."""
        moved = IPv4Address(self.endpoints[0].address) + (POD_CIDR.num_addresses // 2)
        return replace(self, endpoints=(Endpoint(str(moved), ENDPOINT_PORT), *self.endpoints[1:]))


def make_services(count: int, endpoints: int = 2, *, seed: int = 0) -> list[Service]:
    """Return that many Services, each with its own address and endpoints, in the order of their rules.

    kube-proxy walks a Go map, so the order of its rules is random at every sync; here a seed fixes which
    address comes where, so that "the last Service" means the same in every run.

    Parameters
    ----------
    count : int
        How many; up to half of what `SERVICE_CIDR` has room for.
    endpoints : int
        Of each.
    seed : int
        Shuffles the addresses.

    Raises
    ------
    KubelabError
        If there are not that many addresses.
    """
    check_room(count, endpoints)
    offsets = list(range(count))
    random.Random(seed).shuffle(offsets)  # noqa: S311 - addresses are no secrets
    return [_service(each, endpoints) for each in offsets]


def check_room(count: int, endpoints: int) -> None:
    """Refuse more Services or endpoints than there are addresses for.

    Raises
    ------
    KubelabError
        If there are not that many addresses.
    """
    most = SERVICE_CIDR.num_addresses // 2
    if not 1 <= count <= most:
        raise KubelabError(f"{count:,} Services: {SERVICE_CIDR} has room for 1 to {most:,}.")
    if endpoints < 0 or count * endpoints >= POD_CIDR.num_addresses // 2:
        raise KubelabError(
            f"{count:,} Services with {endpoints} endpoints each: {POD_CIDR} has room for "
            f"{POD_CIDR.num_addresses // 2:,} endpoints. Ask for fewer."
        )


def one_more(services: Sequence[Service]) -> Service:
    """Return a Service that is not among those of `make_services`, with as many endpoints as the first."""
    return _service(len(services), len(services[0].endpoints))


def _service(number: int, endpoints: int) -> Service:
    first = int(POD_CIDR[0]) + 256 + number * endpoints
    return Service(
        namespace=f"ns{number % 100}",
        name=f"svc{number}",
        port_name="http",
        cluster_ip=str(SERVICE_CIDR[256 + number]),
        port=SERVICE_PORT,
        endpoints=tuple(Endpoint(str(IPv4Address(first + each)), ENDPOINT_PORT) for each in range(endpoints)),
    )
