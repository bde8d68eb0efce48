"""The kernel drops the second DNS packet, as the loser of a race in connection tracking is dropped.

Kubernetes issue 56903: A and AAAA leave one socket together, both want one entry in the connection table,
and one is lost. Linux 6.18 lost none of them when it was tried, so it is made to happen.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

from kubelab.netlab.tools import find

_RULE = """add table ip kubelab-dns
add chain ip kubelab-dns input {{ type filter hook input priority 0; }}
add rule ip kubelab-dns input udp dport 53 numgen inc mod {often} 1 counter drop
"""
_OFTEN = 1000
"""Of so many packets the second is dropped: in one lookup, once."""


@contextlib.contextmanager
def second_packet(wanted: bool) -> Iterator[None]:
    """Drop, on its way in, the second packet to a DNS server."""
    program = find("nft") if wanted else None
    if program is None:
        yield
        return
    _run([program, "-f", "-"], _RULE.format(often=_OFTEN))
    try:
        yield
    finally:
        _run([program, "delete", "table", "ip", "kubelab-dns"], "")


def _run(command: list[str], text: str) -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise OSError(f"nft refused: {done.stderr.strip()}")
