"""What kube-proxy writes in nftables mode: input of ``nft -f``, in the three layouts that it has had.

After ``pkg/proxy/nftables/proxier.go`` (Kubernetes 1.35, 1.36 and 1.37). One look-up in the map
``service-ips`` finds the chain of a Service however many there are; a sync names only what changed. What
differs is how a Service's chain chooses among endpoints:

``endpoint-chains`` (until 1.35)
    ``numgen random mod 2 vmap {0: goto endpoint-…, 1: goto endpoint-…}``: a chain for each endpoint.
``inline-maps`` (1.36)
    ``dnat ip to numgen random mod 2 map {0: ip . port, …}``: no chains, but an anonymous map for each
    Service.
``single-endpoint`` (1.37)
    As that, but a Service with one endpoint needs no map: ``dnat to ip:port``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from kubelab.netlab.names import nftables_endpoint_chain, nftables_service_chain
from kubelab.netlab.services import POD_CIDR, SERVICE_CIDR, Endpoint, Service

Layout = Literal["endpoint-chains", "inline-maps", "single-endpoint"]

_T = "ip kube-proxy"
_BASE_CHAINS = {
    "filter-prerouting-pre-dnat": "filter hook prerouting priority -110",
    "filter-output-pre-dnat": "filter hook output priority -110",
    "filter-forward": "filter hook forward priority 0",
    "filter-input": "filter hook input priority 0",
    "filter-output": "filter hook output priority 0",
    "nat-output": "nat hook output priority -100",
    "nat-postrouting": "nat hook postrouting priority 100",
    "nat-prerouting": "nat hook prerouting priority -100",
}
_CHAINS = (
    *("cluster-ips-check", "firewall-check", "masquerading", "nodeport-endpoints-check", "reject-chain"),
    *("services", "service-endpoints-check"),
)
_ADDRESS_KEY, _PORT_KEY = "ipv4_addr . inet_proto . inet_service", "inet_proto . inet_service"
_SETS = {
    "cluster-ips": "ipv4_addr",
    "nodeport-ips": "ipv4_addr",
    "hairpin-connections": "ipv4_addr . ipv4_addr . inet_proto . inet_service",
}
_MAPS = {
    "firewall-ips": _ADDRESS_KEY,
    "no-endpoint-nodeports": _PORT_KEY,
    "no-endpoint-services": _ADDRESS_KEY,
    "service-ips": _ADDRESS_KEY,
    "service-nodeports": _PORT_KEY,
}
_DESTINATION = "ip daddr . meta l4proto . th dport"
_RULES = (
    "cluster-ips-check ip daddr @cluster-ips reject",
    f"cluster-ips-check ip daddr {SERVICE_CIDR} drop",
    "filter-prerouting-pre-dnat ct state new jump firewall-check",
    "filter-output-pre-dnat ct state new jump firewall-check",
    "filter-forward ct state new jump service-endpoints-check",
    "filter-forward ct state new jump cluster-ips-check",
    "filter-input ct state new jump nodeport-endpoints-check",
    "filter-input ct state new jump service-endpoints-check",
    "filter-output ct state new jump service-endpoints-check",
    "filter-output ct state new jump cluster-ips-check",
    f"firewall-check {_DESTINATION} vmap @firewall-ips",
    "nat-output jump services",
    "nat-postrouting jump masquerading",
    "nat-prerouting jump services",
    "nodeport-endpoints-check ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports",
    "reject-chain reject",
    f"service-endpoints-check {_DESTINATION} vmap @no-endpoint-services",
)
_MARK = "mark set mark or 0x4000"
_HAIRPINS = "ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections"


def full_sync(services: Sequence[Service], layout: Layout = "single-endpoint") -> str:
    """Return the text that makes the table anew with the rules of all Services."""
    lines = [
        f'add table {_T} {{ comment "rules for kube-proxy" ; }}',
        f"delete table {_T}",
        f'add table {_T} {{ comment "rules for kube-proxy" ; }}',
        *_skeleton(layout),
        *_services(services, layout),
    ]
    return _text(lines)


def full_sync_in_parts(parts: Sequence[Sequence[Service]], layout: Layout) -> list[str]:
    """Return the texts that together do as `full_sync`, one for each part of the Services."""
    return [full_sync(parts[0], layout), *(_text(_services(each, layout)) for each in parts[1:])]


def adding(new: Service, layout: Layout = "single-endpoint") -> str:
    """Return the text of the sync in which a Service comes; the others are not in it."""
    return _text(_services([new], layout))


def changing(old: Service, new: Service, layout: Layout = "single-endpoint") -> str:
    """Return the text of the sync in which the endpoints of one Service change."""
    if not (old.endpoints and new.endpoints):
        return _text([*_removal(old, layout), *_services([new], layout)])
    chain = nftables_service_chain(new)
    gone = [each for each in old.endpoints if each not in new.endpoints]
    lines = [*_chains(new, layout), f"flush chain {_T} {chain}", *_rules(new, layout, known=old.endpoints)]
    return _text([*lines, *_endpoint_chains_removed(old, gone, layout)])


def removing(old: Service, layout: Layout = "single-endpoint") -> str:
    """Return the text of the sync in which one Service goes."""
    return _text(_removal(old, layout))


def count_rules(text: str) -> int:
    """Return how many rules a text adds."""
    return sum(line.startswith("add rule") for line in text.splitlines())


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _skeleton(layout: Layout) -> list[str]:
    """Return what stands before any Service: sets, maps, base chains and the rules that join them."""
    pod_rule = f"ip saddr != {POD_CIDR}"
    if layout == "endpoint-chains":
        extra = ["mark-for-masquerade"]
        rules = [
            f"mark-for-masquerade {_MARK}",
            "masquerading mark and 0x4000 == 0 return",
            "masquerading mark set mark xor 0x4000",
            "masquerading masquerade fully-random",
        ]
    else:
        extra = []
        rules = [
            f"services ip daddr @cluster-ips {pod_rule} {_MARK}",
            "masquerading mark and 0x4000 != 0 mark set mark xor 0x4000 masquerade fully-random",
            f"masquerading ct status dnat {_HAIRPINS} masquerade fully-random",
        ]
    dispatch = (
        f"services {_DESTINATION} vmap @service-ips",
        "services ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports",
    )
    return [
        *(f"add set {_T} {name} {{ type {key} ; }}" for name, key in _SETS.items()),
        *(f"add map {_T} {name} {{ type {key} : verdict ; }}" for name, key in _MAPS.items()),
        *(f"add chain {_T} {name} {{ type {hook} ; }}" for name, hook in _BASE_CHAINS.items()),
        *(f"add chain {_T} {name}" for name in (*_CHAINS, *extra)),
        *(f"add rule {_T} {rule}" for rule in (*_RULES, *rules, *dispatch)),
    ]


def _services(services: Sequence[Service], layout: Layout) -> list[str]:
    """Return all chains before all rules, as kube-proxy does: a rule may go to a later chain."""
    return [
        *(line for each in services for line in _chains(each, layout)),
        *(line for each in services for line in (*_rules(each, layout), *_elements(each, "add"))),
    ]


def _removal(old: Service, layout: Layout) -> list[str]:
    chains = [nftables_service_chain(old)] if old.endpoints else []
    removed = [f"{verb} chain {_T} {chain}" for verb in ("flush", "delete") for chain in chains]
    return [*_elements(old, "delete"), *removed, *_endpoint_chains_removed(old, old.endpoints, layout)]


def _chains(service: Service, layout: Layout) -> list[str]:
    if not service.endpoints:
        return []
    own = [nftables_service_chain(service)]
    if layout == "endpoint-chains":
        own += [nftables_endpoint_chain(service, each) for each in service.endpoints]
    return [f"add chain {_T} {name}" for name in own]


def _rules(service: Service, layout: Layout, known: Sequence[Endpoint] = ()) -> list[str]:
    """Return the rules of a Service's chain, and those of its endpoints that are not known yet."""
    if not service.endpoints:
        return []
    chain, count = nftables_service_chain(service), len(service.endpoints)
    start = f"add rule {_T} {chain}"
    if layout == "endpoint-chains":
        return [*_masquerade_and_jump(service, start), *_endpoint_rules(service, known)]
    if layout == "single-endpoint" and count == 1:
        return [f"{start} meta l4proto {service.protocol} dnat to {service.endpoints[0]}"]
    targets = ", ".join(f"{i} : {each.address} . {each.port}" for i, each in enumerate(service.endpoints))
    choice = f"numgen random mod {count} map {{ {targets} }}"
    return [f"{start} meta l4proto {service.protocol} dnat ip addr . port to {choice}"]


def _masquerade_and_jump(service: Service, start: str) -> list[str]:
    names = [nftables_endpoint_chain(service, each) for each in service.endpoints]
    verdicts = ", ".join(f"{i} : goto {name}" for i, name in enumerate(names))
    match = f"ip daddr {service.cluster_ip} {service.protocol} dport {service.port}"
    return [
        f"{start} {match} ip saddr != {POD_CIDR} jump mark-for-masquerade",
        f"{start} numgen random mod {len(names)} vmap {{ {verdicts} }}",
    ]


def _endpoint_rules(service: Service, known: Sequence[Endpoint]) -> list[str]:
    return [
        f"add rule {_T} {nftables_endpoint_chain(service, each)} {rule}"
        for each in service.endpoints
        if each not in known
        for rule in (
            f"ip saddr {each.address} jump mark-for-masquerade",
            f"meta l4proto {service.protocol} dnat to {each}",
        )
    ]


def _endpoint_chains_removed(service: Service, gone: Sequence[Endpoint], layout: Layout) -> list[str]:
    if layout != "endpoint-chains":
        return []
    names = [nftables_endpoint_chain(service, each) for each in gone]
    return [f"{verb} chain {_T} {name}" for verb in ("flush", "delete") for name in names]


def _elements(service: Service, verb: Literal["add", "delete"]) -> list[str]:
    """Return the changes of sets and maps by which a Service is found."""
    key = f"{service.cluster_ip} . {service.protocol} . {service.port}"
    if service.endpoints:
        entry = f"service-ips {{ {key} : goto {nftables_service_chain(service)} }}"
    else:
        entry = f"no-endpoint-services {{ {key} : goto reject-chain }}"
    return [
        f"{verb} element {_T} cluster-ips {{ {service.cluster_ip} }}",
        f"{verb} element {_T} {entry}",
    ]
