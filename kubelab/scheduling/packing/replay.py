"""The protocol of the published measurement: pods arrive one by one at an empty fleet, and none departs.

Pods are drawn with replacement until they ask for 1.3 times the fleet's GPUs, then shuffled; each is placed
at once or turned away for good. What counts is the share of all GPU capacity that is allocated when the pods
that have come so far ask for a given share of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from kubelab.scheduling.packing.gpus import GPU_MILLI, MAX_GPUS, Demand, GpuNode, Integers, Room
from kubelab.scheduling.packing.policies import NOT_HERE, Policy

OVERLOAD = 1.3


def arrivals(pods: Sequence[Demand], nodes: Sequence[GpuNode], seed: int) -> list[Demand]:
    """Draw pods with replacement until they ask for 1.3 times the GPUs of the nodes, and shuffle them."""
    random = np.random.default_rng(seed)
    wanted = OVERLOAD * GPU_MILLI * sum(node.gpus for node in nodes)
    drawn: list[Demand] = []
    while wanted > 0:
        drawn.append(pods[int(random.integers(len(pods)))])
        wanted -= drawn[-1].milli
    return [drawn[index] for index in random.permutation(len(drawn))]


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of the arrivals.

    Attributes
    ----------
    arrived, allocated : tuple of float
        After each pod: GPU capacity asked for so far, and allocated, in percent of the fleet's.
    """

    arrived: tuple[float, ...]
    allocated: tuple[float, ...]

    def at(self, arrived: float) -> float:
        """Return the percentage allocated when `arrived` percent had been asked for."""
        index = int(np.searchsorted(self.arrived, arrived))
        return self.allocated[min(index, len(self.allocated) - 1)]


def replay(nodes: Sequence[GpuNode], pods: Iterable[Demand], policy: Policy) -> Replay:
    """Place each pod by the policy; ties go to the smallest node name."""
    fleet = Fleet(nodes, policy)
    total = GPU_MILLI * sum(node.gpus for node in nodes)
    asked = held = 0
    arrived, allocated = [], []
    for pod in pods:
        asked += pod.milli
        if fleet.place(pod) is not None:
            held += pod.milli
        arrived.append(100 * asked / total)
        allocated.append(100 * held / total)
    return Replay(tuple(arrived), tuple(allocated))


class Fleet:
    """Nodes that fill up. Scores of a pod shape are kept, and asked again only where a node has changed."""

    def __init__(self, nodes: Sequence[GpuNode], policy: Policy) -> None:
        self.nodes = sorted(nodes, key=lambda node: node.name)
        self._policy = policy
        self._cpu = _column(node.cpu_millicores for node in self.nodes)
        self._memory = _column(node.memory_mib for node in self.nodes)
        gpus = _column(node.gpus for node in self.nodes)
        self._gpu = np.where(np.arange(MAX_GPUS) < gpus[:, None], GPU_MILLI, 0)
        self._models = np.array([node.model for node in self.nodes])
        self._changed = np.zeros(len(self.nodes), dtype=np.int64)
        self._time = 0
        self._kept: dict[Demand, _Scores] = {}

    def place(self, pod: Demand) -> int | None:
        """Put the pod on the best node and return that node's index; None if it fits on none."""
        self._time += 1
        scores = self._scores(pod)
        node = int(scores.score.argmax())
        if scores.score[node] == NOT_HERE:
            return None
        self._take(node, pod, int(scores.gpu[node]))
        return node

    def _scores(self, pod: Demand) -> _Scores:
        kept = self._kept.setdefault(pod, _Scores(len(self.nodes)))
        stale = (
            np.flatnonzero(self._changed >= kept.time) if self._policy.stable else np.arange(len(self.nodes))
        )
        kept.time = self._time
        kept.score[stale] = NOT_HERE
        fitting = stale[self._fits(stale, pod)]
        if len(fitting):
            ranking = self._policy.rank(Room(self._cpu[fitting], self._gpu[fitting]), pod)
            kept.score[fitting], kept.gpu[fitting] = ranking
        return kept

    def _fits(self, rows: Integers, pod: Demand) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        fits = (self._cpu[rows] >= pod.cpu_millicores) & (self._memory[rows] >= pod.memory_mib)
        if pod.gpus:
            fits &= (self._gpu[rows] >= pod.gpu_milli).sum(1) >= pod.gpus
        if pod.models:
            fits &= np.isin(self._models[rows], list(pod.models))
        return fits

    def _take(self, node: int, pod: Demand, gpu: int) -> None:
        self._changed[node] = self._time
        self._cpu[node] -= pod.cpu_millicores
        self._memory[node] -= pod.memory_mib
        if pod.shares:
            self._gpu[node, gpu] -= pod.gpu_milli
        elif pod.gpus:
            idle = np.flatnonzero(self._gpu[node] >= pod.gpu_milli)[: pod.gpus]
            self._gpu[node, idle] -= pod.gpu_milli


class _Scores:
    """One pod shape's scores of all nodes, as of `time`."""

    def __init__(self, nodes: int) -> None:
        self.time = 0
        self.score = np.full(nodes, NOT_HERE)
        self.gpu = np.zeros(nodes, dtype=np.int64)


def _column(values: Iterable[int]) -> Integers:
    return np.array(list(values), dtype=np.int64)
