"""How much of what a group asked for it used.

OpenCost (``core/pkg/opencost/allocation.go``): use by request; without a request 1 where anything was
used and paid for, else 0. Its total weighs CPU and memory by cost and leaves devices out.
"""

from __future__ import annotations

from kubelab.costs.rates import NOTHING
from kubelab.costs.share import Share


def cpu_efficiency(share: Share) -> float | None:
    """Return used by asked-for cores; None where no use is known."""
    return _ratio(share.used.cpu_cores, share.asked_by_known.cpu_cores, share.money.cpu, share)


def ram_efficiency(share: Share) -> float | None:
    """Return used by asked-for memory; None where no use is known."""
    return _ratio(share.used.ram_gib, share.asked_by_known.ram_gib, share.money.ram, share)


def gpu_efficiency(share: Share) -> float | None:
    """Return used by asked-for devices; None where nobody says how much of them is used."""
    if not share.asked.gpus or not share.used.gpus:
        return None
    return share.used.gpus / share.asked_by_known.gpus


def total_efficiency(share: Share) -> float | None:
    """Return OpenCost's total: CPU's and memory's, weighed by what they cost; devices do not count."""
    cpu, ram = cpu_efficiency(share), ram_efficiency(share)
    usd = share.money.cpu + share.money.ram
    if cpu is None or ram is None or not usd:
        return None
    return (cpu * share.money.cpu + ram * share.money.ram) / usd


def total_efficiency_with_gpu(share: Share) -> float | None:
    """Return the total with devices weighed in by what they cost, which is kubelab's own.

    None where the group has devices and nobody says how much of them is used.
    """
    without, gpu = total_efficiency(share), gpu_efficiency(share)
    if not share.money.gpu:
        return without
    if without is None or gpu is None:
        return None
    return (without * (share.money.cpu + share.money.ram) + gpu * share.money.gpu) / share.money.total


def _ratio(used: float, asked: float, usd: float, share: Share) -> float | None:
    if share.used == share.asked_by_known == NOTHING:  # no pod of it tells its use
        return None
    if asked:
        return used / asked
    return 1.0 if used and usd else 0.0
