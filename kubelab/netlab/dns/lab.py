"""The DNS lab: a pod with a real glibc, a DNS server that counts, and where asked a node's cache.

They live in namespaces of their own, made as root or, where the kernel allows it, as any user. Nothing of
them is left once their first process ends, which it does when the lab is closed or this process is gone.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from kubelab.clock import Clock, RealClock, rfc3339
from kubelab.netlab.dns.cache import CACHE_ADDRESS, Cache, installed_cache, required_cache
from kubelab.netlab.dns.checks import check_name, check_whole, texts
from kubelab.netlab.dns.entered_room import EnteredRoom
from kubelab.netlab.dns.errors import DnsLabError, DnsOptionError
from kubelab.netlab.dns.names import types_of
from kubelab.netlab.dns.resolv_conf import CLUSTER_DNS, CLUSTER_DOMAIN, ResolvConf, pod_resolv_conf
from kubelab.netlab.dns.results import Counts, Load, Lookup, Machine
from kubelab.netlab.dns.server import Behaviour, Query, predicted
from kubelab.netlab.dns.zone import Zone
from kubelab.netlab.tools import find

MOST_CLIENTS = 64
"""Each is a process."""


class DnsLab:
    """A pod, its node and the cluster's DNS server.

    The kernel ends it with the thread that made it (``PR_SET_PDEATHSIG`` of prctl(2)): make it on one that
    goes on for as long, such as a notebook's.

    Parameters
    ----------
    zone : Zone, optional
        What the server knows; `Zone.cluster()` unless given.
    root : bool, optional
        Whether to use root's rights (True) or a user namespace (False); whatever works unless given.
    clock : Clock, optional
        For the date of results.

    Raises
    ------
    DnsLabError
        If this machine cannot have it, with what is missing.

    Examples
    --------
    >>> with DnsLab() as lab:  # doctest: +SKIP
    ...     print(lab.count(["api.example.com"]))
    api.example.com: 8 queries, 6 wasted
    """

    def __init__(
        self, zone: Zone | None = None, *, root: bool | None = None, clock: Clock | None = None
    ) -> None:
        self.zone = zone or Zone.cluster()
        self._clock = clock or RealClock()
        self._room = EnteredRoom(root)
        cache = installed_cache()
        self.machine = Machine(
            f"{platform.system()} {platform.release()}",
            self._room.libc,
            cache.program if cache else "",
            self._room.privileges,
            rfc3339(self._clock.now()),
        )

    def __repr__(self) -> str:
        return f"<DnsLab of {len(self.zone.addresses)} names>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def count(
        self,
        wanted: str | Iterable[str],
        conf: ResolvConf | None = None,
        *,
        family: str = "any",
        behaviour: Behaviour | None = None,
        autopath: bool = False,
        cache: bool = False,
        drop_second: bool = False,
        track: bool = False,
        label: str = "",
    ) -> Counts:
        """Look names up as a program in the pod would, and count what leaves it.

        Parameters
        ----------
        wanted : str or iterable of str
            Names.
        conf : ResolvConf, optional
            The pod's; what a pod of the namespace default has unless given.
        family : str
            ``any`` (AF_UNSPEC), ``ipv4`` or ``ipv6``.
        behaviour : Behaviour, optional
            Of the server: delay, loss, denied names.
        autopath : bool
            Whether the server goes through the search list itself.
        cache : bool
            Whether the pod asks a cache on its node, which starts empty.
        drop_second : bool
            Whether the kernel drops the second packet to the server (nft).
        track : bool
            Whether the entries of the kernel's connection table are counted (nft).
        label : str
            What to call the lookups in a table.

        Raises
        ------
        DnsNameError
            If one is no name.
        DnsOptionError
            If there is none, or the family is none.
        DnsLabError
            If nft or a cache is needed and not installed, or the lab has ended.
        """
        if (drop_second or track) and find("nft") is None:
            raise DnsLabError(
                "nft, by which packets are dropped and tracked, is not installed",
                "Run apt-get install nftables; to lose a packet, Behaviour(lose_pair=True) needs nothing",
            )
        conf = conf or pod_resolv_conf()
        order = self._order("look_up", wanted, conf, family, behaviour, autopath=autopath, cache=cache)
        answer = self._room.ask({**order, "drop_second": drop_second, "track": track})
        how = Behaviour(**order["behaviour"])
        found = tuple(_lookup(each, label, self.zone, how) for each in answer["lookups"])
        return Counts(found, self.machine)

    def load(
        self,
        wanted: str | Iterable[str],
        conf: ResolvConf | None = None,
        *,
        lookups: int = 400,
        clients: int = 4,
        family: str = "any",
        behaviour: Behaviour | None = None,
        autopath: bool = False,
        cache: bool = False,
        label: str = "",
    ) -> Load:
        """Look names up again and again, by several processes at once, and return the latencies.

        Parameters
        ----------
        lookups : int
            How many in all.
        clients : int
            How many processes, 64 at most; each begins with another name and waits for every answer.
        wanted, conf, family, behaviour, autopath, cache, label
            As in `count`.

        Raises
        ------
        DnsNameError, DnsOptionError, DnsLabError
            As in `count`, or if a number makes no sense.
        """
        check_whole("lookups", lookups)
        check_whole("clients", clients, MOST_CLIENTS)
        conf = conf or pod_resolv_conf()
        order = self._order("load", wanted, conf, family, behaviour, autopath=autopath, cache=cache)
        answer = self._room.ask({**order, "lookups": lookups, "clients": clients})
        queries = answer["asked_of_cache"] if cache else answer["upstream"]
        latencies = tuple(sorted(answer["latencies_s"]))
        return Load(label, latencies, answer["seconds"], queries, answer["upstream"])

    def close(self) -> None:
        """End the namespaces and all in them; a second call does nothing."""
        self._room.end()

    def _order(
        self,
        what: str,
        wanted: str | Iterable[str],
        conf: ResolvConf,
        family: str,
        behaviour: Behaviour | None,
        *,
        autopath: bool,
        cache: bool,
    ) -> dict[str, Any]:
        asked = (wanted,) if isinstance(wanted, str) else texts("wanted", wanted, "api.example.com")
        if not asked:
            raise DnsOptionError("wanted", list(asked), "Give at least one name.")
        for name in asked:
            check_name(name)
        types_of(family)
        found = required_cache() if cache else None
        behaviour = behaviour or Behaviour()
        return {
            "do": what,
            "names": asked,
            "family": family,
            "resolv_conf": _pointed_at(conf, found).text(),
            "zone": asdict(self.zone),
            "behaviour": asdict(behaviour) | ({"autopath": conf.search} if autopath else {}),
            "cache": asdict(found) if found else None,
        }


def _pointed_at(conf: ResolvConf, cache: Cache | None) -> ResolvConf:
    """Return the file with the lab's own server, or cache, in place of its nameservers."""
    return ResolvConf((CACHE_ADDRESS if cache else CLUSTER_DNS,), conf.search, conf.options)


def _lookup(answer: dict[str, Any], label: str, zone: Zone, behaviour: Behaviour) -> Lookup:
    upstream = tuple(Query(**each) for each in answer["upstream"])
    asked = answer["asked_of_cache"]
    return Lookup(
        answer["name"],
        upstream if asked is None else tuple(predicted(zone, behaviour, *each) for each in asked),
        len(upstream),
        tuple(answer["addresses"]),
        answer["error"],
        answer["seconds"],
        label,
        answer["tracked"],
    )


def count(
    wanted: str | Iterable[str],
    *,
    ndots: int = 5,
    search: Sequence[str] | None = None,
    family: str = "any",
    autopath: bool = False,
    cache: bool = False,
) -> Counts:
    """Count the queries of each name's lookup, in a lab that lives as long as the call.

    Parameters
    ----------
    wanted : str or iterable of str
        Names.
    ndots : int
        As in resolv.conf; Kubernetes writes 5.
    search : sequence of str, optional
        The search list; that of a pod of the namespace default unless given.
    family, autopath, cache
        As in `DnsLab.count`.

    Raises
    ------
    DnsNameError, DnsOptionError, ResolvConfError, DnsLabError
        As `ResolvConf`, `DnsLab` and `DnsLab.count` do.
    """
    domains = pod_resolv_conf().search if search is None else texts("search", search, CLUSTER_DOMAIN)
    conf = ResolvConf((CLUSTER_DNS,), domains, (f"ndots:{ndots}",))
    with DnsLab() as lab:
        return lab.count(wanted, conf, family=family, autopath=autopath, cache=cache)
