"""The names that kube-proxy gives its chains: hashes, since iptables has room for 28 characters only.

From kube-proxy's ``iptables/proxier.go`` and ``nftables/proxier.go`` (Kubernetes 1.37).
"""

from __future__ import annotations

import base64
import hashlib

from kubelab.netlab.services import Endpoint, Service

_IPTABLES_LENGTH = 16
_NFTABLES_LENGTH = 8


def service_chain(service: Service) -> str:
    """Return the iptables chain that chooses among a Service's endpoints."""
    return f"KUBE-SVC-{_hash(f'{service}{service.protocol}', _IPTABLES_LENGTH)}"


def endpoint_chain(service: Service, endpoint: Endpoint) -> str:
    """Return the iptables chain that sends to one endpoint of a Service."""
    return f"KUBE-SEP-{_hash(f'{service}{service.protocol}{endpoint}', _IPTABLES_LENGTH)}"


def nftables_service_chain(service: Service) -> str:
    """Return the nftables chain of a Service, which is readable after its hash."""
    return f"service-{_nftables_name(service)}"


def nftables_endpoint_chain(service: Service, endpoint: Endpoint) -> str:
    """Return the nftables chain of one endpoint, as kube-proxy wrote one for each until 1.35."""
    place = f"{endpoint.address}/{endpoint.port}"
    path = f"{service.namespace}/{service.name}/{service.protocol}/{service.port_name}__{place}"
    return f"endpoint-{_hash(path, _NFTABLES_LENGTH)}-{path}"


def _nftables_name(service: Service) -> str:
    path = f"{service.namespace}/{service.name}/{service.protocol}/{service.port_name}"
    return f"{_hash(path, _NFTABLES_LENGTH)}-{path}"


def _hash(text: str, length: int) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:length]
