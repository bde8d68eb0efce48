"""Packing policies: pure scores of nodes for a pod, as a scheduler plugin gives them.

A policy is asked only about nodes on which the pod fits; equal scores go to the smallest node name.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from kubelab.scheduling.packing.fragmentation import TypicalPods
from kubelab.scheduling.packing.gpus import GPU_MILLI, Demand, Floats, Integers, Ranking, Room
from kubelab.scheduling.packing.shadow import rest_values
from kubelab.scheduling.scores import MAX_SCORE

MAX_NODE_CPU_MILLICORES = 128_000
MAX_NODE_GPU_MILLI = 8 * GPU_MILLI
"""Both normalise scores, as in the simulator: the largest node there is."""

REST_WEIGHT_MILLI = 4 * GPU_MILLI
"""How much fragmentation the loss of a GPU's whole worth counts as.

Found by trial on openb with seeds 0 to 2 (2,000 to 7,000 tried), confirmed on ten others.
"""

NOT_HERE = -1e9


class Policy(Protocol):
    """Scores nodes for a pod.

    Attributes
    ----------
    stable : bool
        Whether the same room always gets the same score, so that it need not be asked again.
    """

    name: str
    stable: bool

    def rank(self, room: Room, demand: Demand) -> Ranking:
        """Score nodes that all have room for the pod."""
        ...


class RandomFit:
    """Any node that fits, and any of its GPUs that does."""

    name = "random"
    stable = False

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random

    def rank(self, room: Room, demand: Demand) -> Ranking:
        """Draw lots."""
        lots = np.where(room.gpu >= demand.gpu_milli, self._random.random(room.gpu.shape), NOT_HERE)
        return Ranking(self._random.random(len(room.cpu)), lots.argmax(1))


class BestFit:
    """The node that has least left, CPU and GPUs counting the same, and its fullest GPU."""

    name = "best-fit"
    stable = True

    def rank(self, room: Room, demand: Demand) -> Ranking:
        """Score by ``100 · (1 - ½ · cpu left / 128 cores - ½ · gpu left / 8 GPUs)``, rounded down."""
        cpu, gpu = _shares(room.cpu - demand.cpu_millicores, room.gpu.sum(1) - demand.milli)
        return Ranking(np.floor(MAX_SCORE * (1 - (cpu + gpu) / 2)), _fullest(room, demand))


class DotProduct:
    """The node whose free resources are least along the pod's own mix, and its fullest GPU."""

    name = "dot-product"
    stable = True

    def rank(self, room: Room, demand: Demand) -> Ranking:
        """Score by ``100 · (1 - ½ · free · asked)``, both as shares of the largest node, rounded down."""
        cpu, gpu = _shares(room.cpu, room.gpu.sum(1))
        along = (
            cpu * demand.cpu_millicores / MAX_NODE_CPU_MILLICORES + gpu * demand.milli / MAX_NODE_GPU_MILLI
        )
        return Ranking(np.floor(MAX_SCORE * (1 - along / 2)), _fullest(room, demand))


class FragmentationGradient:
    """The node and GPU on which the pod adds least fragmentation (FGD).

    Parameters
    ----------
    typical : TypicalPods
        The pods that are expected.
    """

    name = "fragmentation gradient"
    stable = True

    def __init__(self, typical: TypicalPods) -> None:
        self._typical = typical

    def rank(self, room: Room, demand: Demand) -> Ranking:
        """Score by ``100 · sigmoid((F before - F after) / 1000)``, rounded down."""
        before = self._typical.fragmentation(room)
        if not demand.shares:
            after = self._typical.fragmentation(room.after(demand))
            return Ranking(_score(before - after), np.zeros(len(before), dtype=np.int64))
        gain = before[:, None] - self._typical.fragmentation_sharing(room, demand)
        return _best_gpu(_score(gain + self._bonus(room, demand)), room, demand)

    def _bonus(self, room: Room, demand: Demand) -> Floats:  # noqa: ARG002 - others price the choice of GPU
        return np.zeros(room.gpu.shape)


class PricedGradient(FragmentationGradient):
    """FGD that also pays for what is left of a shared GPU, at shadow prices; our own.

    FGD cannot tell a rest that the usual pods fill exactly from one that almost nobody can use. The price
    of `kubelab.scheduling.packing.shadow` can: placing a pod costs the worth that the GPU loses, and of all
    GPUs the one that loses least for its size is where the pod belongs. Nothing but the frequencies of the
    typical pods is used, as by FGD.
    """

    name = "priced gradient"

    def __init__(self, typical: TypicalPods) -> None:
        super().__init__(typical)
        self._worth = rest_values(typical.shares)

    def _bonus(self, room: Room, demand: Demand) -> Floats:
        left = np.maximum(room.gpu - demand.gpu_milli, 0)
        return -REST_WEIGHT_MILLI * (self._worth[room.gpu] - self._worth[left])


def _score(gain: Floats) -> Floats:
    return np.floor(MAX_SCORE / (1 + np.exp(-gain / GPU_MILLI)))


def _shares(cpu: Integers, gpu: Integers) -> tuple[Floats, Floats]:
    return cpu / MAX_NODE_CPU_MILLICORES, gpu / MAX_NODE_GPU_MILLI


def _fullest(room: Room, demand: Demand) -> Integers:
    fullest: Integers = np.where(room.gpu >= demand.gpu_milli, room.gpu, GPU_MILLI + 1).argmin(1)
    return fullest


def _best_gpu(scores: Floats, room: Room, demand: Demand) -> Ranking:
    scores = np.where(room.gpu >= demand.gpu_milli, scores, NOT_HERE)
    best = scores.argmax(1)
    return Ranking(scores[np.arange(len(best)), best], best)
