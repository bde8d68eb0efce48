"""Every text that a measurement loads, for each of kube-proxy's backends, and the commands that load it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kubelab.netlab import iptables, nftables
from kubelab.netlab.errors import TooManyServicesError
from kubelab.netlab.results import Backend, Listed
from kubelab.netlab.services import Service, one_more
from kubelab.netlab.transactions import share_out

LAYOUTS: dict[Backend, nftables.Layout] = {
    "nftables-endpoint-chains": "endpoint-chains",
    "nftables-inline-maps": "inline-maps",
    "nftables": "single-endpoint",
}
LIST_ARGUMENTS = ("--json", "--terse", "list", "table", "ip", "kube-proxy")
"""What kube-proxy's nftables mode lists before each sync (``ListAll`` of sigs.k8s.io/knftables).

From 1.37 kube-proxy by default speaks netlink itself (feature gate ``NFTablesNetlink``, beta) and runs no
``nft``. Here ``nft`` lists and loads in every layout, so that layouts are what differs."""

_RESTORE_ARGUMENTS = ("-w", "5", "--noflush", "--counters")
_BYTES: dict[Backend, int] = {"iptables-legacy": 5_000, "nftables-endpoint-chains": 20_000}


@dataclass(frozen=True, slots=True)
class Syncs:
    """What is loaded, in this order.

    Attributes
    ----------
    load : tuple of str
        The command that takes a text.
    listing : tuple of str
        The command that lists the rules, so that kube-proxy finds stale ones.
    listed : str
        Which syncs begin with it.
    setup : str
        What kube-proxy writes once.
    full : list of str
        All rules; more than one text where one transaction cannot hold them.
    add, change, remove : str
        One Service comes; the first Service's endpoint changes; the new Service goes.
    rules : int
        How many rules ``full`` has.
    """

    load: tuple[str, ...]
    listing: tuple[str, ...]
    listed: Listed
    setup: str
    full: list[str]
    add: str
    change: str
    remove: str
    rules: int


def make_syncs(backend: Backend, services: Sequence[Service], tool: str, *, root: bool) -> Syncs:
    """Return the texts of a backend for these Services, of which the last one and first one change."""
    if backend in LAYOUTS:
        return _nftables(LAYOUTS[backend], services, tool, root=root)
    return _iptables(services, tool)


def check_memory(backend: Backend, services: int, endpoints: int, free_bytes: int) -> None:
    """Refuse what would not fit into memory.

    Raises
    ------
    TooManyServicesError
        If it would not.

    Notes
    -----
    Measured with nft 1.0.6 and iptables 1.8.9 on 26 Nov 2026, at 10,000 Services with two endpoints each:
    tool and kernel together took 105 MB with iptables-legacy, 213 with iptables-nft, 196 with inline maps and
    440 with endpoint chains. `_BYTES` is that for a Service's own part and each endpoint, and a third more.
    """
    each = (1 + endpoints) * _BYTES.get(backend, 10_000)
    base = 100 * 2**20
    if base + services * each > free_bytes:
        raise TooManyServicesError(services, max(0, free_bytes - base) // each, free_bytes)


def _iptables(services: Sequence[Service], tool: str) -> Syncs:
    new = one_more(services)
    after = [*services, new]
    changed = services[0].with_endpoint_changed()
    full = iptables.full_sync(services)
    return Syncs(
        load=(tool, *_RESTORE_ARGUMENTS),
        listing=(re.sub("restore$", "save", tool), *iptables.LIST_ARGUMENTS),
        listed="at most once in 30 s" if iptables.is_large(services) else "every sync",
        setup=iptables.SETUP,
        full=[full],
        add=iptables.adding(services, new),
        change=iptables.changing(after, 0, changed),
        remove=iptables.removing([changed, *after[1:]], len(services)),
        rules=iptables.count_rules(full),
    )


def _nftables(layout: nftables.Layout, services: Sequence[Service], tool: str, *, root: bool) -> Syncs:
    new = one_more(services)
    parts = share_out(services, lambda each: nftables.adding(each, layout), root=root)
    full = nftables.full_sync_in_parts(parts, layout)
    return Syncs(
        load=(tool, "-f", "-"),
        listing=(tool, *LIST_ARGUMENTS),
        listed="every sync",
        setup="",
        full=full,
        add=nftables.adding(new, layout),
        change=nftables.changing(services[0], services[0].with_endpoint_changed(), layout),
        remove=nftables.removing(new, layout),
        rules=sum(nftables.count_rules(each) for each in full),
    )
