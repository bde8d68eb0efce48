"""The kernel drops the second DNS packet, as the loser of a race in connection tracking is dropped.

Kubernetes issue 56903: A and AAAA leave one socket together, both want one entry in the connection table,
and one is lost. Linux 6.18 lost none of them when it was tried, so it is made to happen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from kubelab.netlab.dns.rules import table

_OFTEN = 1000
"""Of so many packets the second is dropped: in one lookup, once."""
_RULES = (
    "chain input { type filter hook input priority 0; }",
    f"rule input udp dport 53 numgen inc mod {_OFTEN} 1 counter drop",
)


@contextlib.contextmanager
def second_packet(wanted: bool) -> Iterator[None]:
    """Drop, on its way in, the second packet to a DNS server."""
    if not wanted:
        yield
        return
    with table("kubelab-drop", *_RULES):
        yield
