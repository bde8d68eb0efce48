"""What a DNS server knows: a cluster's Services, and names outside; and what CoreDNS's autopath adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from kubelab.netlab.dns.checks import check_name, texts
from kubelab.netlab.dns.errors import DnsOptionError
from kubelab.netlab.dns.names import autopath_names
from kubelab.netlab.dns.resolv_conf import CLUSTER_DOMAIN

_MOST = 254
"""Each has an address in a /24."""
Answer = tuple[str, tuple[tuple[str, str], ...]]
"""``NOERROR`` or ``NXDOMAIN``, and records as (type, value)."""


@dataclass(frozen=True)
class Zone:
    """Names and their addresses.

    Parameters
    ----------
    addresses : mapping of str to tuple of str
        IPv4 addresses (A), by a full name without its trailing dot.
    addresses_v6 : mapping of str to tuple of str
        IPv6 addresses (AAAA).
    domain : str
        The cluster's.

    Raises
    ------
    DnsNameError, DnsOptionError
        If a name is none, or has something else than addresses of its family.
    """

    addresses: Mapping[str, tuple[str, ...]]
    addresses_v6: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    domain: str = CLUSTER_DOMAIN

    def __post_init__(self) -> None:
        for option, family in (("addresses", IPv4Address), ("addresses_v6", IPv6Address)):
            for name, values in getattr(self, option).items():
                check_name(name)
                for value in texts(f"{option}[{name!r}]", values, str(family(1))):
                    _check_address(f"{option}[{name!r}]", value, family)

    @staticmethod
    def cluster(
        services: Iterable[str] = ("default/web", "prod/db", "kube-system/kube-dns"),
        external: Iterable[str] = ("api.example.com", "example.com", "pypi.org"),
    ) -> Zone:
        """Return a cluster's zone: Services as ``namespace/name``, and names outside with both families.

        Raises
        ------
        DnsNameError, DnsOptionError
            If a Service has no namespace, a name is none, or there are more than 254 of either.
        """
        inside = [_service_name(each) for each in texts("services", services, "default/web")]
        outside = [each.lower().removesuffix(".") for each in texts("external", external, "api.example.com")]
        for option, names in (("services", inside), ("external", outside)):
            if len(names) > _MOST:
                raise DnsOptionError(option, f"{len(names)} names", f"Give at most {_MOST}.")
        v4 = {name: (f"10.96.1.{place}",) for place, name in enumerate(inside, 1)}
        v4 |= {name: (f"203.0.113.{place}",) for place, name in enumerate(outside, 1)}
        v6 = {name: (f"2001:db8::{place:x}",) for place, name in enumerate(outside, 1)}
        return Zone(v4, v6)

    def has(self, name: str, type_: str) -> bool:
        """Whether a name has a record of a type."""
        return name.lower() in self._of(type_)

    def answer(self, name: str, type_: str) -> Answer:
        """Return how a server answers: NOERROR without records where only other types exist."""
        name = name.lower()
        records = tuple((type_, value) for value in self._of(type_).get(name, ()))
        known = name in self.addresses or name in self.addresses_v6
        return ("NOERROR" if known else "NXDOMAIN"), records

    def autopath(self, name: str, type_: str, search: tuple[str, ...]) -> Answer:
        """Return how a server with autopath answers: what it finds, behind a CNAME from the name."""
        for found in autopath_names(name, search):
            status, records = self.answer(found, type_)
            if status == "NOERROR":
                alias = () if found == name else (("CNAME", found),)
                return status, (*alias, *records)
        return self.answer(name, type_)

    def _of(self, type_: str) -> Mapping[str, tuple[str, ...]]:
        return {"A": self.addresses, "AAAA": self.addresses_v6}.get(type_, {})


def _service_name(service: str) -> str:
    namespace, slash, name = service.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise DnsOptionError("services", service, "Write namespace/name, such as default/web.")
    return f"{name}.{namespace}.svc.{CLUSTER_DOMAIN}".lower()


def _check_address(option: str, value: str, family: type[IPv4Address | IPv6Address]) -> None:
    try:
        family(value)
    except ValueError:
        raise DnsOptionError(option, value, f"Give {family.__name__[:4]} addresses.") from None
