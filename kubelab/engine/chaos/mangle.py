"""Rules of iptables that send packets to a queue, and their removal to the last trace.

nft could send packets to a queue itself, on kernels that were built with ``CONFIG_NFT_QUEUE``; iptables'
target is in more of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kubelab.engine.chaos.programs import run, tried

_IPTABLES = ("iptables", "-w", "5", "-t", "mangle")
_TABLE = ("table", "ip", "mangle")
_MADE = "KUBELAB"
"""An empty chain in a table that was not there before; who removes the last of our rules removes both."""
_CHAIN = re.compile(r"^\s*chain (\S+) {", re.MULTILINE)


async def send_to_queue(chain: str, addresses: Sequence[str], number: int) -> None:
    """Send packets of addresses to a queue, or past it if nobody reads.

    Raises
    ------
    RefusedError
        If iptables is not there, or may not.
    """
    if (await tried("nft", "list", *_TABLE))[0] != 0:
        await tried(*_IPTABLES, "-N", _MADE)
    for arguments in queue_rules(chain, addresses, number):
        await run(*_IPTABLES, *arguments)


async def let_pass(chain: str) -> None:
    """Remove what `send_to_queue` added, as far as it is there."""
    for arguments in (("-D", "INPUT", "-i", "lo", "-j", chain), ("-F", chain), ("-X", chain)):
        await tried(*_IPTABLES, *arguments)
    if not any(each.startswith(f"{_MADE}-") for each in await _chains()):
        await _remove_table()


def queue_rules(chain: str, addresses: Sequence[str], number: int) -> list[tuple[str, ...]]:
    """Return iptables' arguments that send packets of addresses to a queue."""
    target = ("-j", "NFQUEUE", "--queue-num", str(number), "--queue-bypass")
    rules = [("-A", chain, side, address, *target) for address in addresses for side in ("-d", "-s")]
    return [("-N", chain), *rules, ("-I", "INPUT", "-i", "lo", "-j", chain)]


async def let_all_pass(lab: str) -> None:
    """Remove what `send_to_queue` added for any experiment of a lab."""
    for chain in await _chains():
        if chain.startswith(chain_of(lab, "")):
            await let_pass(chain)


def chain_of(lab: str, uid: str) -> str:
    """Return the name of an experiment's chain in a lab with a mark; iptables takes 28 characters."""
    return f"{_MADE}-{lab[:6]}-{uid[:8]}"


async def _remove_table() -> None:
    """Remove the table if it was made for our rules and nobody else has put any there since."""
    if (await tried(*_IPTABLES, "-X", _MADE))[0] != 0:
        return
    await tried(*_IPTABLES, "-X", "INPUT")  # the kernel refuses while there are rules in it
    code, listed = await tried("nft", "list", *_TABLE)
    if code == 0 and not _CHAIN.search(listed):
        await tried("nft", "delete", *_TABLE)


async def _chains() -> list[str]:
    return _CHAIN.findall((await tried("nft", "list", *_TABLE))[1])
