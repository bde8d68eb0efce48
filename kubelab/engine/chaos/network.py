"""Packets between process pods that are lost, or come late.

Each pod has an address of its own in 127.0.0.0/8, so packets to and from what it serves are told apart on the
loopback interface; where a pod is the client, it speaks from 127.0.0.1, and the other end's address tells.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import partial
from random import Random

from kubelab.chaos.experiment import Experiment
from kubelab.engine.chaos.injector import RefusedError
from kubelab.engine.chaos.packet_queue import PacketQueue, QueueError

_PACKETS = re.compile(r"counter packets (\d+)")
_REMEDY = "It needs the lab's daemon to run as root on Linux, with nft (Debian: nftables) on its PATH."


class LosePackets:
    """Drops packets by a table of its own in nftables; the kernel itself forgets the addresses in time."""

    async def inject(self, experiment: Experiment) -> str:
        """Add the table."""
        share = experiment.parameters.get("share", 1.0)
        addresses = _addresses(experiment)
        await self._delete(experiment)
        await _run(
            "nft", "-f", "-", stdin=drop_table(_table(experiment), addresses, share, experiment.duration_s)
        )
        what = "all" if share >= 1 else f"{share:.0%} of the"
        return f"{what} packets of {', '.join(addresses)} are dropped (nftables)"

    async def undo(self, experiment: Experiment) -> str:
        """Delete the table."""
        dropped = await self._delete(experiment)
        return f"packets pass; {dropped} were dropped"

    async def _delete(self, experiment: Experiment) -> int:
        table = _table(experiment)
        if shutil.which("nft") is None:
            return 0
        code, text = await _tried("nft", "list", "table", "inet", table)
        if code != 0:
            return 0
        await _run("nft", "delete", "table", "inet", table)
        return sum(map(int, _PACKETS.findall(text)))


class DelayPackets:
    """Holds packets in a queue that this process reads; should it end, the kernel lets them pass at once.

    netem would do the same; the queue also works on kernels that were built without it.
    """

    def __init__(self) -> None:
        self._queues: dict[str, PacketQueue] = {}

    async def inject(self, experiment: Experiment) -> str:
        """Send the packets to a queue."""
        delay_s = experiment.parameters.get("delay_s", 0.1)
        jitter_s = experiment.parameters.get("jitter_s", 0.0)
        addresses = _addresses(experiment)
        await self.undo(experiment)
        try:
            queue = PacketQueue(delay_s, jitter_s, Random(experiment.seed))  # noqa: S311 - repeatable lots
        except QueueError as error:
            raise RefusedError(f"the kernel gives no queue of packets: {error}. {_REMEDY}") from error
        self._queues[experiment.uid] = queue
        for arguments in queue_rules(_chain(experiment), addresses, queue.number):
            await _run("iptables", "-w", "5", "-t", "mangle", *arguments)
        return f"packets of {', '.join(addresses)} come {delay_s * 1000:g} ms late (NFQUEUE)"

    async def undo(self, experiment: Experiment) -> str:
        """Let them pass."""
        queue = self._queues.pop(experiment.uid, None)
        if shutil.which("iptables") is not None:
            chain = _chain(experiment)
            for arguments in (("-D", "INPUT", "-i", "lo", "-j", chain), ("-F", chain), ("-X", chain)):
                await _tried("iptables", "-w", "5", "-t", "mangle", *arguments)
        if queue is None:
            return "packets pass"
        queue.close()
        return f"packets pass; {queue.held} were held"


def drop_table(table: str, addresses: Sequence[str], share: float, duration_s: float) -> str:
    """Return a table that drops a share of the packets to and from addresses, for so long.

    They are dropped on their way in: where a packet is dropped on its way out, sending it fails.
    """
    lasts = max(1, round(duration_s))
    elements = ", ".join(f"{address} timeout {lasts}s" for address in addresses)
    lot = "" if share >= 1 else f"numgen random mod 10000 < {round(share * 10000)} "
    rules = "".join(
        f'add rule inet {table} input iifname "lo" ip {side} @pods {lot}counter drop\n'
        for side in ("daddr", "saddr")
    )
    return (
        f"add table inet {table}\n"
        f"add set inet {table} pods {{ type ipv4_addr; flags timeout; }}\n"
        f"add element inet {table} pods {{ {elements} }}\n"
        f"add chain inet {table} input {{ type filter hook input priority -10; }}\n"
        f"{rules}"
    )


def queue_rules(chain: str, addresses: Sequence[str], number: int) -> list[tuple[str, ...]]:
    """Return iptables' arguments that send packets of addresses to a queue, or past it if nobody reads."""
    target = ("-j", "NFQUEUE", "--queue-num", str(number), "--queue-bypass")
    rules = [("-A", chain, side, address, *target) for address in addresses for side in ("-d", "-s")]
    return [("-N", chain), *rules, ("-I", "INPUT", "-i", "lo", "-j", chain)]


def _table(experiment: Experiment) -> str:
    return f"kubelab-chaos-{experiment.uid[:8]}"


def _chain(experiment: Experiment) -> str:
    return f"KUBELAB-{experiment.uid[:8]}"


def _addresses(experiment: Experiment) -> list[str]:
    """Return the pods' own addresses.

    Raises
    ------
    RefusedError
        If one has none, or one that others use too.
    """
    for pod in experiment.pods:
        if not pod.address.startswith("127.") or pod.address == "127.0.0.1":
            raise RefusedError(
                f"pod {pod.name} has no loopback address of its own ({pod.address or 'none'}), so its "
                "packets cannot be told from others'. Such faults are for pods that are processes."
            )
    return [pod.address for pod in experiment.pods]


async def _run(*command: str, stdin: str = "") -> str:
    if shutil.which(command[0]) is None:
        raise RefusedError(f"{command[0]} is not on this machine. {_REMEDY}")
    code, text = await _tried(*command, stdin=stdin)
    if code != 0:
        raise RefusedError(f"`{' '.join(command)}` failed: {text.strip()[:300]}. {_REMEDY}")
    return text


async def _tried(*command: str, stdin: str = "") -> tuple[int, str]:
    """Run a program; in a thread, for one that ends before it has read anything breaks an asyncio pipe."""
    run = partial(subprocess.run, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    done = await asyncio.to_thread(run, command, input=stdin)
    return done.returncode, done.stdout
