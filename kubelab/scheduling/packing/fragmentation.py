"""Fragmentation: the GPU capacity that the pods which usually come could not use.

Source: Weng et al. (USENIX ATC 2023), section 4, and ``NodeGpuShareFragAmount`` of their simulator, which
also counts all idle capacity as lost to pods that ask for no GPU.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from kubelab.scheduling.packing.gpus import Demand, Floats, Integers, Room

TYPICAL_SHARE = 0.95
"""Pods are typical if their shape is among the most frequent that make up this share (the simulator's)."""


class TypicalPods:
    """The most frequent pod shapes with their shares: what a scheduler may know of the pods to come.

    Parameters
    ----------
    pods : iterable of Demand
        Pods as they came so far.
    share : float
        How much of them the typical shapes make up.
    """

    def __init__(self, pods: Iterable[Demand], share: float = TYPICAL_SHARE) -> None:
        self.shares = _most_frequent(Counter(pods), share)
        classes = sorted({(pod.gpu_milli, pod.gpus) for pod in self.shares if pod.gpus})
        self._milli = np.array([milli for milli, _ in classes], dtype=np.int64)
        self._gpus = np.array([gpus for _, gpus in classes], dtype=np.int64)
        self._cpus = np.array(sorted({pod.cpu_millicores for pod in self.shares}), dtype=np.int64)
        self._fitting = self._shares_by_cpu(classes)

    def _shares_by_cpu(self, classes: list[tuple[int, int]]) -> Floats:
        """Return, by how many CPU sizes fit and by GPU class, the share of the pods whose CPU fits."""
        table = np.zeros((len(self._cpus) + 1, len(classes)))
        for pod, share in self.shares.items():
            if pod.gpus:
                first = int(np.searchsorted(self._cpus, pod.cpu_millicores)) + 1
                table[first:, classes.index((pod.gpu_milli, pod.gpus))] += share
        return table

    def fragmentation(self, room: Room) -> Floats:
        """Return each node's expected fragmentation, in thousandths of a GPU, shape (nodes,)."""
        usable = room.gpu[:, :, None] >= self._milli
        amount = (room.gpu[:, :, None] * usable).sum(1)
        lost: Floats = room.gpu.sum(1) - self._used(room.cpu, usable.sum(1), amount)
        return lost

    def fragmentation_sharing(self, room: Room, demand: Demand) -> Floats:
        """Return the fragmentation with a sharing pod on each GPU, shape (nodes, 8)."""
        before, after = room.gpu[:, :, None], room.gpu[:, :, None] - demand.gpu_milli
        was, stays = before >= self._milli, after >= self._milli
        count = was.sum(1)[:, None] - was + stays
        amount = (before * was).sum(1)[:, None] - before * was + after * stays
        used = self._used((room.cpu - demand.cpu_millicores)[:, None], count, amount)
        lost: Floats = (room.gpu.sum(1) - demand.gpu_milli)[:, None] - used
        return lost

    def _used(self, cpu: Integers, count: Integers, amount: Integers) -> Floats:
        fitting = self._fitting[np.searchsorted(self._cpus, cpu, side="right")]
        used: Floats = ((count >= self._gpus) * fitting * amount).sum(-1)
        return used


def _most_frequent(counts: Counter[Demand], share: float) -> dict[Demand, float]:
    wanted, total = share * counts.total(), 0
    kept: dict[Demand, int] = {}
    for pod, count in sorted(counts.items(), key=lambda each: (-each[1], _key(each[0]))):
        kept[pod] = count
        total += count
        if total >= wanted:
            break
    return {pod: count / total for pod, count in kept.items()}


def _key(pod: Demand) -> tuple[int, ...]:
    return pod.cpu_millicores, pod.memory_mib, pod.gpus, pod.gpu_milli
