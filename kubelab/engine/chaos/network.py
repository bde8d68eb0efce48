"""Packets between process pods that are lost, or come late.

Each pod has an address of its own in 127.0.0.0/8, so packets to and from what it serves are told apart on the
loopback interface; where a pod is the client, it speaks from 127.0.0.1, and the other end's address tells.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from random import Random

from kubelab.chaos.experiment import Experiment
from kubelab.engine.chaos.injector import RefusedError, Undone
from kubelab.engine.chaos.mangle import chain_of, let_all_pass, let_pass, send_to_queue
from kubelab.engine.chaos.packet_queue import PacketQueue, QueueDeniedError, QueueError
from kubelab.engine.chaos.programs import MAY_NOT, run, tried

_PACKETS = re.compile(r"counter packets (\d+)")
_TABLE = re.compile(r"^table inet (\S+)$", re.MULTILINE)


async def remove_rules(lab: str) -> None:
    """Remove what faults of a lab, by its mark, left in the kernel when its daemon was killed."""
    for table in _TABLE.findall((await tried("nft", "list", "tables", "inet"))[1]):
        if table.startswith(_table_of(lab, "")):
            await tried("nft", "delete", "table", "inet", table)
    await let_all_pass(lab)


class LosePackets:
    """Drops packets by a table of its own in nftables; the kernel itself forgets the addresses in time."""

    def __init__(self, lab: str) -> None:
        self._lab = lab

    async def inject(self, experiment: Experiment) -> str:
        """Add the table."""
        share = experiment.parameters.get("share", 1.0)
        addresses = _addresses(experiment)
        await self._delete(experiment)
        table = _table_of(self._lab, experiment.uid)
        await run("nft", "-f", "-", stdin=drop_table(table, addresses, share, experiment.duration_s))
        what = "all" if share >= 1 else f"{share:.0%} of the"
        return f"{what} packets of {', '.join(addresses)} are dropped (nftables)"

    async def undo(self, experiment: Experiment) -> Undone:
        """Delete the table."""
        dropped = await self._delete(experiment)
        return Undone("packets pass" + ("" if dropped is None else f"; {dropped} were dropped"), dropped)

    async def _delete(self, experiment: Experiment) -> int | None:
        """Delete the table if it is there; return how many packets it dropped."""
        table = _table_of(self._lab, experiment.uid)
        code, text = await tried("nft", "list", "table", "inet", table)
        if code != 0:
            return None
        await run("nft", "delete", "table", "inet", table)
        return sum(map(int, _PACKETS.findall(text)))


class DelayPackets:
    """Holds packets in a queue that this process reads; should it end, the kernel lets them pass at once.

    netem would do the same; the queue also works on kernels that were built without it.
    """

    def __init__(self, lab: str) -> None:
        self._lab = lab
        self._queues: dict[str, PacketQueue] = {}

    async def inject(self, experiment: Experiment) -> str:
        """Send the packets to a queue."""
        delay_s = experiment.parameters.get("delay_s", 0.1)
        jitter_s = experiment.parameters.get("jitter_s", 0.0)
        addresses = _addresses(experiment)
        await self.undo(experiment)
        try:
            queue = PacketQueue(delay_s, jitter_s, Random(experiment.seed))  # noqa: S311 - repeatable lots
        except QueueDeniedError as error:
            raise RefusedError(MAY_NOT) from error
        except QueueError as error:
            raise RefusedError(f"the kernel gives no queue of packets (NFQUEUE): {error}.") from error
        self._queues[experiment.uid] = queue
        await send_to_queue(chain_of(self._lab, experiment.uid), addresses, queue.number)
        return f"packets of {', '.join(addresses)} come {delay_s * 1000:g} ms late (NFQUEUE)"

    async def undo(self, experiment: Experiment) -> Undone:
        """Let them pass."""
        queue = self._queues.pop(experiment.uid, None)
        await let_pass(chain_of(self._lab, experiment.uid))
        if queue is None:
            return Undone("packets pass")
        queue.close()
        return Undone(f"packets pass; {queue.held} were held", queue.held)


def drop_table(table: str, addresses: Sequence[str], share: float, duration_s: float) -> str:
    """Return a table that drops a share of the packets to and from addresses, for so long.

    They are dropped on their way in: where a packet is dropped on its way out, sending it fails.
    """
    lasts = max(1, math.ceil(duration_s))
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


def _table_of(lab: str, uid: str) -> str:
    return f"kubelab-chaos-{lab}-{uid[:8]}"


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
