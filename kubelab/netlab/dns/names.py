"""Which names a resolver tries for one lookup, in which order: pure, and the same as glibc does.

`tried` is the order, `reckon` how many queries leave the pod for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kubelab.netlab.dns.checks import check_name, is_address
from kubelab.netlab.dns.errors import DnsOptionError
from kubelab.netlab.dns.resolv_conf import ResolvConf

TYPES = {"any": ("A", "AAAA"), "ipv4": ("A",), "ipv6": ("AAAA",)}
"""Record types asked for at once, by address family: AF_UNSPEC, AF_INET, AF_INET6."""

Exists = Callable[[str, str], bool]
"""Whether a name (without a trailing dot) has a record of a type."""


def tried(name: str, conf: ResolvConf) -> tuple[str, ...]:
    """Return the full names that are tried for a name, in order, without their trailing dots.

    Raises
    ------
    DnsNameError
        If it is no name.

    Notes
    -----
    After ``__res_context_search`` of glibc 2.36, resolv/res_query.c: a name with at least ``ndots``
    dots is tried as it is first, any other after the search list; one with a trailing dot only as it is.
    """
    check_name(name)
    if is_answered_without_dns(name):
        return ()
    bare = name.removesuffix(".")
    if name.endswith("."):
        return (bare,)
    listed = tuple(bare if domain == "." else f"{bare}.{domain.strip('.')}" for domain in conf.search)
    as_it_is_first = name.count(".") >= conf.ndots
    order = (bare, *listed) if as_it_is_first else (*listed, bare)
    return tuple(dict.fromkeys(order)) if "." in conf.search else order


def reckon(
    name: str, conf: ResolvConf, exists: Exists, *, family: str = "any", autopath: bool = False
) -> tuple[tuple[str, str], ...]:
    """Return the queries one lookup sends, as (name, type): one for each type and name tried.

    Parameters
    ----------
    name : str
        As the program gives it.
    conf : ResolvConf
        The pod's.
    exists : callable
        What the server knows.
    family : str
        ``any`` (A and AAAA), ``ipv4`` or ``ipv6``.
    autopath : bool
        Whether the server goes through the search list itself when asked for a name in its first domain.

    Raises
    ------
    DnsNameError, DnsOptionError
        If it is no name, or the family is none.
    """
    types = types_of(family)
    queries: list[tuple[str, str]] = []
    names = tried(name, conf)
    for each in names:
        queries += [(each, type_) for type_ in types]
        known = autopath_names(each, conf.search) if autopath else (each,)
        if any(exists(one, type_) for one in known for type_ in types):
            break
    return tuple(queries)


def autopath_names(name: str, search: Sequence[str]) -> tuple[str, ...]:
    """Return the names a server with autopath looks for, asked for a name in the first search domain.

    After the plugin ``autopath`` of CoreDNS 1.12: the search list in order, then the bare name.
    """
    first = f".{search[0]}" if search else ""
    if not first or not name.lower().endswith(first):
        return (name,)
    bare = name[: -len(first)]
    return (*(f"{bare}.{domain}" for domain in search), bare)


def is_answered_without_dns(name: str) -> bool:
    """Whether it is an address, or what /etc/hosts of every pod has."""
    return is_address(name) or name == "localhost"


def types_of(family: str) -> tuple[str, ...]:
    """Return the record types of a family of addresses.

    Raises
    ------
    DnsOptionError
        If it is none.
    """
    if family not in list(TYPES):
        raise DnsOptionError("family", family, f"Choose {', '.join(TYPES)}.")
    return TYPES[family]
