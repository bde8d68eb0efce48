"""Upstream's vectors: iptables/proxier_test.go and nftables/proxier_test.go of Kubernetes 1.37."""

from kubelab.netlab.names import endpoint_chain, nftables_service_chain, service_chain
from kubelab.netlab.services import Endpoint, Service

SERVICE = Service("ns1", "svc1", "p80", "172.30.0.41", 80, (Endpoint("10.180.0.1", 80),))


def test_iptables_chains_are_named_as_upstream_names_them() -> None:
    assert service_chain(SERVICE) == "KUBE-SVC-XPGD46QRK7WJZT7O"
    assert endpoint_chain(SERVICE, SERVICE.endpoints[0]) == "KUBE-SEP-SXIVWICOYRO3J4NJ"


def test_an_nftables_chain_is_readable_after_its_hash() -> None:
    assert nftables_service_chain(SERVICE) == "service-ULMVA6XW-ns1/svc1/tcp/p80"


def test_a_port_without_a_name_has_no_colon() -> None:
    assert str(Service("ns1", "svc1", "", "172.30.0.41", 80, ())) == "ns1/svc1"
