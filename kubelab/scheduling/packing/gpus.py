"""What a pod asks of GPU nodes, what these have, and what they have left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

GPU_MILLI = 1000
"""A whole GPU."""

MAX_GPUS = 8
"""The most GPUs of one node."""

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Demand:
    """What a pod asks for.

    Attributes
    ----------
    gpus : int
        How many GPUs; 0 for a pod that needs none.
    gpu_milli : int
        Thousandths of each of them; less than 1000 only for one shared GPU.
    models : frozenset of str
        GPU models that will do; empty for any.
    """

    cpu_millicores: int
    memory_mib: int
    gpus: int = 0
    gpu_milli: int = 0
    models: frozenset[str] = frozenset()

    @property
    def shares(self) -> bool:
        """Whether it asks for a part of one GPU."""
        return self.gpus == 1 and self.gpu_milli < GPU_MILLI

    @property
    def milli(self) -> int:
        """Thousandths of a GPU in all."""
        return self.gpus * self.gpu_milli


@dataclass(frozen=True, slots=True)
class GpuNode:
    """A node with `gpus` GPUs of one model, each of which can be shared."""

    name: str
    model: str
    cpu_millicores: int
    memory_mib: int
    gpus: int


class Room(NamedTuple):
    """What some nodes have left.

    Attributes
    ----------
    cpu : ndarray of int64, shape (nodes,)
        Millicores.
    gpu : ndarray of int64, shape (nodes, 8)
        Thousandths left on each GPU; a GPU that is not there counts as full.
    """

    cpu: Integers
    gpu: Integers

    def after(self, demand: Demand) -> Room:
        """Return what is left with the pod on each of the nodes; of GPUs it takes the first idle ones."""
        if not demand.gpus:
            return Room(self.cpu - demand.cpu_millicores, self.gpu)
        fits = self.gpu >= demand.gpu_milli
        taken = fits & (fits.cumsum(1) <= demand.gpus)
        return Room(self.cpu - demand.cpu_millicores, self.gpu - taken * demand.gpu_milli)


class Ranking(NamedTuple):
    """A policy's answer for each node.

    Attributes
    ----------
    score : ndarray of float64, shape (nodes,)
        More is better.
    gpu : ndarray of int64, shape (nodes,)
        The GPU that a sharing pod gets; other pods get the first idle ones.
    """

    score: Floats
    gpu: Integers
