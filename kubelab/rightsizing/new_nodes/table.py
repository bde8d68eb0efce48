"""Known groups as arrays: the logarithms of their targets and sizes, and their labels as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kubelab.rightsizing.new_nodes.features import SIZES, NodeFeatures

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_MAX_LABELS = 12
"""Those with the fewest values first: labels with many values tell nodes apart, not kinds of nodes."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What is known.

    Attributes
    ----------
    targets : ndarray of float64, shape (n,)
        Natural logarithms of the groups' targets.
    sizes : dict of str to ndarray of float64, shape (n,)
        Natural logarithms, of sizes that every group has and that differ.
    labels : dict of str to ndarray of int64, shape (n,)
        Which value each group has, of labels that may tell kinds of nodes apart.
    values : dict of str to tuple of str
        The values that those numbers stand for.
    """

    targets: Floats
    sizes: dict[str, Floats]
    labels: dict[str, Integers]
    values: dict[str, tuple[str, ...]]

    @staticmethod
    def of(features: Sequence[NodeFeatures], targets: Sequence[float]) -> Table:
        """Read groups; at least one."""
        sizes: dict[str, Floats] = {}
        for name in SIZES:
            if all(name in each.sizes for each in features):
                column = np.log([each.sizes[name] for each in features])
                if np.ptp(column) > 0.01:
                    sizes[name] = column
        found = {key: [each.label(key) for each in features] for key in sorted(_keys(features))}
        telling = sorted((len(set(column)), key) for key, column in found.items() if _tells(column))
        labels: dict[str, Integers] = {}
        values: dict[str, tuple[str, ...]] = {}
        for _, key in telling[:_MAX_LABELS]:
            names, codes = np.unique(np.array(found[key]), return_inverse=True)
            if not any(np.array_equal(codes, other) for other in labels.values()):
                labels[key], values[key] = codes.astype(np.int64), tuple(map(str, names))
        return Table(np.log(np.array(targets, dtype=np.float64)), sizes, labels, values)

    def __len__(self) -> int:
        return len(self.targets)


def _keys(features: Sequence[NodeFeatures]) -> set[str]:
    return {key for each in features for key in each.names()}


def _tells(column: Sequence[str]) -> bool:
    """Say whether a label has several values, with two groups each on average."""
    return 2 <= len(set(column)) <= len(column) / 2
