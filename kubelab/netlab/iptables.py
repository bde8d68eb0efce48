"""What kube-proxy writes in iptables mode: input of ``iptables-restore --noflush``.

After ``pkg/proxy/iptables/proxier.go`` (Kubernetes 1.37). A full sync names every chain. A partial one leaves
out the chains of Services that did not change, but writes all of KUBE-SERVICES again, because one chain is
the least that iptables can replace: it costs as much text as there are Services, whatever changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubelab.netlab.names import endpoint_chain, service_chain
from kubelab.netlab.services import POD_CIDR, Service

LARGE_CLUSTER_ENDPOINTS = 1000
"""Above that many endpoints (``largeClusterEndpointsThreshold``) kube-proxy leaves out their comments, and
lists and deletes stale chains only if it last did so longer ago than ``syncPeriod``, 30 s."""
LIST_ARGUMENTS = ("-t", "nat")
"""What kube-proxy has ``iptables-save`` list to find stale chains, before it writes (``SaveInto``)."""

SETUP = """\
*filter
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-SERVICES - [0:0]
-A INPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL
-A INPUT -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES
-A INPUT -j KUBE-NODEPORTS
-A FORWARD -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL
-A FORWARD -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW -j KUBE-SERVICES
-A FORWARD -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES
-A OUTPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL
-A OUTPUT -m conntrack --ctstate NEW -j KUBE-SERVICES
COMMIT
*nat
:KUBE-POSTROUTING - [0:0]
:KUBE-SERVICES - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A POSTROUTING -j KUBE-POSTROUTING
COMMIT
"""
"""The jumps from the kernel's own chains, which kube-proxy makes once."""

_FILTER = (
    "*filter",
    ":KUBE-EXTERNAL-SERVICES - [0:0]",
    ":KUBE-FORWARD - [0:0]",
    ":KUBE-NODEPORTS - [0:0]",
    ":KUBE-PROXY-FIREWALL - [0:0]",
    ":KUBE-SERVICES - [0:0]",
)
_FORWARD = (
    "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
    (
        '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules"'
        " -m mark --mark 0x4000/0x4000 -j ACCEPT"
    ),
    (
        '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule"'
        " -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    ),
)
_NAT = (
    "*nat",
    ":KUBE-NODEPORTS - [0:0]",
    ":KUBE-SERVICES - [0:0]",
    ":KUBE-POSTROUTING - [0:0]",
    ":KUBE-MARK-MASQ - [0:0]",
)
_MASQUERADE = (
    "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
    "-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000",
    (
        '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT"'
        " -j MASQUERADE --random-fully"
    ),
    "-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000",
)
_NODE_PORTS = (
    "-A KUBE-SERVICES -m comment --comment"
    ' "kubernetes service nodeports; NOTE: this must be the last rule in this chain"'
    " -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"
)


def full_sync(services: Sequence[Service]) -> str:
    """Return the text that writes the rules of all Services."""
    return _restore(services, changed=services)


def adding(services: Sequence[Service], new: Service) -> str:
    """Return the text of the partial sync in which a Service comes, last in the order of the rules."""
    return _restore([*services, new], changed=[new])


def changing(services: Sequence[Service], position: int, new: Service) -> str:
    """Return the text of the partial sync in which the endpoints of one Service change."""
    old = services[position]
    after = [*services[:position], new, *services[position + 1 :]]
    stale = {*_chains(old)} - {*_chains(new)}
    return _restore(after, changed=[new], stale=sorted(stale))


def removing(services: Sequence[Service], position: int) -> str:
    """Return the text of the partial sync in which one Service goes."""
    old = services[position]
    left = [*services[:position], *services[position + 1 :]]
    return _restore(left, changed=(), stale=_chains(old))


def is_large(services: Iterable[Service]) -> bool:
    """Return whether kube-proxy calls a cluster with these Services large."""
    return sum(len(each.endpoints) for each in services) > LARGE_CLUSTER_ENDPOINTS


def count_rules(text: str, table: str = "nat") -> int:
    """Return how many rules a text puts into a table."""
    part = text.partition(f"*{table}\n")[2].partition("COMMIT")[0]
    return sum(line.startswith("-A") for line in part.splitlines())


def _restore(services: Sequence[Service], changed: Iterable[Service], stale: Sequence[str] = ()) -> str:
    changed = [each for each in changed if each.endpoints]
    large = is_large(services)
    deleted = () if large else stale  # a later sync finds them
    reject = [_rejection(each) for each in services if not each.endpoints]
    chains = [chain for each in changed for chain in _chains(each)]
    rules = [rule for each in changed for rule in _rules(each, comments=not large)]
    lines = [
        *(*_FILTER, *reject, *_FORWARD, "COMMIT", *_NAT),
        *(f":{chain} - [0:0]" for chain in (*chains, *deleted)),
        *_MASQUERADE,
        *(_dispatch(each) for each in services if each.endpoints),
        *rules,
        _NODE_PORTS,
        *(f"-X {chain}" for chain in deleted),
        "COMMIT",
    ]
    return "\n".join(lines) + "\n"


def _chains(service: Service) -> list[str]:
    """Return a Service's own chain and those of its endpoints; one without endpoints has none."""
    endpoints = [endpoint_chain(service, each) for each in service.endpoints]
    return [service_chain(service), *endpoints] if endpoints else []


def _match(service: Service) -> str:
    protocol = service.protocol
    return f"-m {protocol} -p {protocol} -d {service.cluster_ip} --dport {service.port}"


def _dispatch(service: Service) -> str:
    comment = f'-m comment --comment "{service} cluster IP"'
    return f"-A KUBE-SERVICES {comment} {_match(service)} -j {service_chain(service)}"


def _rejection(service: Service) -> str:
    comment = f'-m comment --comment "{service} has no endpoints"'
    return f"-A KUBE-SERVICES {comment} {_match(service)} -j REJECT"


def _rules(service: Service, *, comments: bool) -> list[str]:
    """Return the rules of a Service's own chains: 1 + 3 for each endpoint."""
    chain, count = service_chain(service), len(service.endpoints)
    comment = f'-m comment --comment "{service} cluster IP"'
    rules = [f"-A {chain} {comment} {_match(service)} ! -s {POD_CIDR} -j KUBE-MARK-MASQ"]
    for i, endpoint in enumerate(service.endpoints):
        comment = f' -m comment --comment "{service} -> {endpoint}"' if comments else ""
        left = count - i
        chance = f" -m statistic --mode random --probability {1 / left:.10f}" if left > 1 else ""
        rules.append(f"-A {chain}{comment}{chance} -j {endpoint_chain(service, endpoint)}")
    for endpoint in service.endpoints:
        comment = f" -m comment --comment {service}" if comments else ""
        own, protocol = endpoint_chain(service, endpoint), service.protocol
        rules += [
            f"-A {own}{comment} -s {endpoint.address} -j KUBE-MARK-MASQ",
            f"-A {own}{comment} -m {protocol} -p {protocol} -j DNAT --to-destination {endpoint}",
        ]
    return rules
