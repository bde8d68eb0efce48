"""A pod's resolv.conf, as the kubelet writes it from the pod's ``dnsPolicy`` and ``dnsConfig``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubelab.netlab.dns.checks import check_name, is_address, texts
from kubelab.netlab.dns.errors import DnsNameError, ResolvConfError

CLUSTER_DOMAIN = "cluster.local"
CLUSTER_DNS = "10.96.0.10"
MOST_NAMESERVERS = 3
"""``MaxDNSNameservers`` of Kubernetes 1.37, pkg/apis/core/validation."""
MOST_SEARCHES = 32
"""``MaxDNSSearchPaths``, there too."""
MOST_SEARCH_CHARACTERS = 2048
"""``MaxDNSSearchListChars``, there too; domains and the spaces between them."""
DEFAULT_NDOTS = 1
"""What glibc takes where resolv.conf has no ndots (resolv.h, ``RES_DFLRETRY`` beside it)."""
MOST_NDOTS = 15
"""``RES_MAXNDOTS`` of glibc: a larger value counts as this."""
CLUSTER_OPTIONS = ("ndots:5",)
"""``defaultDNSOptions`` of the kubelet, pkg/kubelet/network/dns/dns.go, v1.37."""


@dataclass(frozen=True)
class ResolvConf:
    """A resolv.conf.

    Parameters
    ----------
    nameservers : sequence of str
        Addresses; glibc asks the first and turns to the next after a timeout.
    search : sequence of str
        Domains that are put behind a name that is tried as a relative one.
    options : sequence of str
        Such as ``ndots:5``, ``timeout:1`` or ``single-request``.

    Raises
    ------
    ResolvConfError
        If a nameserver is no address, a domain no name, an option no word, or ndots no number.
    DnsOptionError
        If one of them is no list of texts.
    """

    nameservers: tuple[str, ...] = (CLUSTER_DNS,)
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for address in texts("nameservers", self.nameservers, CLUSTER_DNS):
            if not is_address(address):
                raise ResolvConfError("nameservers", address, "a nameserver is an address")
        for domain in texts("search", self.search, CLUSTER_DOMAIN):
            _check_domain(domain)
        for option in texts("options", self.options, "ndots:5"):
            _check_option(option)

    @property
    def ndots(self) -> int:
        """How many dots make a name be tried as it is first; the last such option counts, up to 15."""
        values = [each.removeprefix("ndots:") for each in self.options if each.startswith("ndots:")]
        return min(int(values[-1]), MOST_NDOTS) if values else DEFAULT_NDOTS

    def text(self) -> str:
        """Return the file's text, in the kubelet's order."""
        lines = [f"search {' '.join(self.search)}"] if self.search else []
        lines += [f"nameserver {each}" for each in self.nameservers]
        if self.options:
            lines.append(f"options {' '.join(self.options)}")
        return "".join(f"{line}\n" for line in lines)

    @staticmethod
    def parse(text: str) -> ResolvConf:
        """Return what a file says; as for glibc the last ``search`` line counts."""
        servers: list[str] = []
        search: tuple[str, ...] = ()
        options: list[str] = []
        for line in text.splitlines():
            match line.split("#")[0].split():
                case ["nameserver", address, *_]:
                    servers.append(address)
                case ["search" | "domain", *domains]:
                    search = tuple(domains)
                case ["options", *more]:
                    options += more
        return ResolvConf(tuple(servers), search, tuple(options))


def _check_domain(domain: str) -> None:
    try:
        if domain != ".":
            check_name(domain)
    except DnsNameError as error:
        raise ResolvConfError("search", domain, f"a domain is a DNS name, and {error.why}") from None


def _check_option(option: str) -> None:
    name, _, value = option.partition(":")
    if len(option.split()) != 1 or option != option.strip():
        raise ResolvConfError("options", option, "an option is one word, such as ndots:5")
    if name == "ndots" and not (value.isascii() and value.isdecimal()):
        raise ResolvConfError("options", option, "ndots is a number from 0 to 15, such as ndots:5")


def pod_resolv_conf(
    *,
    namespace: str = "default",
    policy: str = "ClusterFirst",
    config: Mapping[str, Any] | None = None,
    host: ResolvConf | None = None,
    host_network: bool = False,
    cluster_domain: str = CLUSTER_DOMAIN,
    cluster_dns: Sequence[str] = (CLUSTER_DNS,),
) -> ResolvConf:
    """Return the resolv.conf that a pod gets.

    Parameters
    ----------
    namespace : str
        The pod's.
    policy : str
        Its ``dnsPolicy``: ClusterFirst, ClusterFirstWithHostNet, Default or None.
    config : mapping, optional
        Its ``dnsConfig``: ``nameservers``, ``searches``, and ``options`` of ``name`` and ``value``.
    host : ResolvConf, optional
        The node's own; empty unless given.
    host_network : bool
        Whether the pod shares the node's network: ClusterFirst is then Default.
    cluster_domain, cluster_dns
        What the kubelet was told.

    Raises
    ------
    ResolvConfError
        If the policy is none, ``None`` comes without a nameserver, or `ResolvConf` refuses a setting.

    Notes
    -----
    After ``Configurer.GetPodDNS`` of the kubelet, pkg/kubelet/network/dns/dns.go, v1.37: beyond 3
    nameservers, 32 search domains or 2,048 characters of them the rest is left out.
    """
    host = host or ResolvConf(())
    base = _base(policy, host, namespace, cluster_domain, cluster_dns, host_network=host_network)
    config = config or {}
    servers, searches = config.get("nameservers", ()), config.get("searches", ())
    if policy == "None" and not servers:
        raise ResolvConfError("dnsConfig.nameservers", [], "policy None needs at least one")
    return ResolvConf(
        tuple(_unique((*base.nameservers, *texts("nameservers", servers, CLUSTER_DNS))))[:MOST_NAMESERVERS],
        _fitting(_unique((*base.search, *texts("searches", searches, CLUSTER_DOMAIN)))),
        _merged(base.options, config.get("options", ())),
    )


def _base(
    policy: str, host: ResolvConf, namespace: str, domain: str, servers: Sequence[str], *, host_network: bool
) -> ResolvConf:
    if policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not host_network):
        own = (f"{namespace}.svc.{domain}", f"svc.{domain}", domain)
        return ResolvConf(tuple(servers), (*own, *host.search), CLUSTER_OPTIONS)
    if policy in ("Default", "ClusterFirst"):
        return host
    if policy == "None":
        return ResolvConf(())
    raise ResolvConfError("dnsPolicy", policy, "use ClusterFirst, ClusterFirstWithHostNet, Default or None")


def _unique(values: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(values)


def _fitting(domains: Iterable[str]) -> tuple[str, ...]:
    """Return the first domains that fit into a search line."""
    kept: list[str] = []
    for domain in domains:
        if len(kept) == MOST_SEARCHES or len(" ".join([*kept, domain])) > MOST_SEARCH_CHARACTERS:
            break
        kept.append(domain)
    return tuple(kept)


def _merged(options: Iterable[str], more: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Put a pod's options over those of its policy, by their names."""
    merged = {name: value for name, _, value in (each.partition(":") for each in options)}
    for option in more:
        if not isinstance(option, Mapping) or not option.get("name"):
            raise ResolvConfError("dnsConfig.options", option, "an option has a name, and may have a value")
        value = option.get("value")
        merged[str(option["name"])] = "" if value is None else str(value)
    return tuple(f"{name}:{value}" if value else name for name, value in merged.items())
