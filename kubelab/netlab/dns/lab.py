"""The DNS lab: a pod with a real glibc, a DNS server that counts, and where asked a node's cache.

They live in namespaces of their own, made as root or, where the kernel allows it, as any user. Nothing of
them is left once their first process ends, which it does when the lab is closed or this process is gone.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import IO, Any, Self

from kubelab.clock import Clock, RealClock, rfc3339
from kubelab.netlab.dns import names
from kubelab.netlab.dns.cache import CACHE_ADDRESS, Cache, installed_cache, required_cache
from kubelab.netlab.dns.errors import DnsLabError
from kubelab.netlab.dns.resolv_conf import CLUSTER_DNS, ResolvConf, pod_resolv_conf
from kubelab.netlab.dns.results import Counts, Load, Lookup, Machine
from kubelab.netlab.dns.server import Behaviour, Query, predicted
from kubelab.netlab.dns.zone import Zone
from kubelab.netlab.tools import find

_REMEDY = (
    "Use Linux with root, or with user namespaces (sysctl kernel.unprivileged_userns_clone=1, and no "
    "AppArmor restriction on them); `Counts.of_record()` and `DnsPanel` work without"
)


class DnsLab:
    """A pod, its node and the cluster's DNS server.

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
        self._one_at_a_time = threading.Lock()
        self._process, libc, privileges = _enter(root)
        cache = installed_cache()
        self.machine = Machine(
            f"{platform.system()} {platform.release()}",
            libc,
            cache.program if cache else "",
            privileges,
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
        label : str
            What to call the lookups in a table.

        Raises
        ------
        DnsNameError
            If one is no name.
        DnsLabError
            If nft or a cache is needed and not installed, or the lab has ended.
        """
        asked = [wanted] if isinstance(wanted, str) else list(wanted)
        if drop_second and find("nft") is None:
            raise DnsLabError(
                "nft, which drops the packet, is not installed",
                "Run apt-get install nftables, or use Behaviour(lose_pair=True), which needs nothing",
            )
        conf = conf or pod_resolv_conf()
        order = self._order("look_up", asked, conf, family, behaviour, autopath=autopath, cache=cache)
        answer = self._ask({**order, "drop_second": drop_second})
        how = Behaviour(**order["behaviour"])
        found = tuple(_lookup(each, label, self.zone, how) for each in answer["lookups"])
        return Counts(found, self.machine)

    def load(
        self,
        wanted: Sequence[str],
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
            How many processes; each begins with another name and waits for every answer.
        wanted, conf, family, behaviour, autopath, cache, label
            As in `count`.
        """
        conf = conf or pod_resolv_conf()
        order = self._order("load", list(wanted), conf, family, behaviour, autopath=autopath, cache=cache)
        answer = self._ask({**order, "lookups": max(lookups, clients), "clients": clients})
        queries = answer["asked_of_cache"] if cache else answer["upstream"]
        latencies = tuple(sorted(answer["latencies_s"]))
        return Load(label, latencies, answer["seconds"], queries, answer["upstream"])

    def close(self) -> None:
        """End the namespaces and all in them; a second call does nothing."""
        _end(self._process)

    def _order(
        self,
        what: str,
        wanted: list[str],
        conf: ResolvConf,
        family: str,
        behaviour: Behaviour | None,
        *,
        autopath: bool,
        cache: bool,
    ) -> dict[str, Any]:
        for name in wanted:
            names.check(name)
        if family not in names.TYPES:
            raise DnsLabError(f"{family!r} is no family of addresses", "Use any, ipv4 or ipv6")
        found = required_cache() if cache else None
        behaviour = behaviour or Behaviour()
        return {
            "do": what,
            "names": wanted,
            "family": family,
            "resolv_conf": _pointed_at(conf, found).text(),
            "zone": asdict(self.zone),
            "behaviour": asdict(behaviour) | ({"autopath": conf.search} if autopath else {}),
            "cache": asdict(found) if found else None,
        }

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        with self._one_at_a_time:
            try:
                answer = _exchange(self._process, order)
            except BaseException:
                self.close()  # an interrupted order leaves an answer that nobody reads
                raise
        if "failed" in answer:
            raise DnsLabError(f"the DNS lab failed: {answer['failed']}", "Try again with a new DnsLab")
        return answer


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
    )


def _enter(root: bool | None) -> tuple[subprocess.Popen[str], str, str]:
    """Start the room as root or in a user namespace; return it, its libc and how it was entered."""
    if importlib.util.find_spec("dnslib") is None:
        raise DnsLabError("dnslib, which the DNS server is made of, is missing", "pip install kubelab[lab]")
    wanted = [True, False] if root is None and os.geteuid() == 0 else [bool(root)]
    refusals = []
    for as_root in wanted:
        way = "root" if as_root else "user namespace"
        command = [sys.executable, "-m", "kubelab.netlab.dns.room", str(os.getpid()), way]
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for us; we then end it
        )
        answer = json.loads(_of(process.stdout).readline() or "{}")
        if "ready" in answer:
            return process, answer["ready"], way
        refusals.append(f"{way}: {answer.get('refused') or _last(_of(process.stderr).read())}")
        _end(process)
    raise DnsLabError(f"this machine gives no namespaces ({'; '.join(refusals)})", _REMEDY)


def _exchange(process: subprocess.Popen[str], order: dict[str, Any]) -> dict[str, Any]:
    with contextlib.suppress(BrokenPipeError, ValueError):
        _of(process.stdin).write(json.dumps(order) + "\n")
        _of(process.stdin).flush()
        line = _of(process.stdout).readline()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
    raise DnsLabError("the DNS lab has ended", "Make a new DnsLab")


def _of(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # noqa: S101 - every stream is a pipe
    return stream


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no word of why"])[-1]


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()  # the kernel ends the first process of the namespaces with it, and all others with that
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        with contextlib.suppress(OSError):
            _of(stream).close()


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
    DnsNameError, DnsLabError
        As `DnsLab` and `DnsLab.count` do.
    """
    conf = ResolvConf(
        (CLUSTER_DNS,), pod_resolv_conf().search if search is None else tuple(search), (f"ndots:{ndots}",)
    )
    with DnsLab() as lab:
        return lab.count(wanted, conf, family=family, autopath=autopath, cache=cache)
