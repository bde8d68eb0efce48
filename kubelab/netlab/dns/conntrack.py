"""How many entries lookups make in the kernel's connection table, which every node has one of.

Each socket that asks a server is an entry, for 30 seconds (``nf_conntrack_udp_timeout``); a packet for which
there is no room (``nf_conntrack_max``) is dropped. The kernel tracks only where a rule asks for it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator

from kubelab.netlab.dns.cache import CACHE_ADDRESS
from kubelab.netlab.dns.rules import table

_COUNTED = re.compile(r"counter packets (\d+)")
_RULES = (
    "chain raw { type filter hook output priority -300; }",
    f"rule raw ip daddr {CACHE_ADDRESS} notrack",
    f"rule raw ip saddr {CACHE_ADDRESS} notrack",
    "chain output { type filter hook output priority 0; }",
    "rule output meta l4proto { tcp, udp } th dport 53 ct mark 0 ct mark set 1 counter",
)
"""A new entry has no mark: its first packet is counted. A node's cache has itself not tracked (KEP-1024)."""


@contextlib.contextmanager
def entries(wanted: bool) -> Iterator[Callable[[], int | None]]:
    """Have what asks DNS servers tracked, if wanted; what is yielded counts the entries made since."""
    if not wanted:
        yield lambda: None
        return
    with table("kubelab-track", *_RULES) as listed:
        yield lambda: sum(map(int, _COUNTED.findall(listed())))
