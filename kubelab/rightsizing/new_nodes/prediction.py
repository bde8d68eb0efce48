"""The first recommendation on a node that has never run a DaemonSet's pod, from the groups that have.

AEP-10031 leaves this open: such a pod gets the recommendation of all pods together. Here it gets what groups
on nodes like it need, with an interval from how wrong the same procedure is about groups that it is not told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kubelab.rightsizing.new_nodes.features import NodeFeatures
from kubelab.rightsizing.new_nodes.model import Fit, Terms, chosen, fitted, folds, predicted
from kubelab.rightsizing.new_nodes.table import Integers, Table

MIN_GROUPS = 3
"""With fewer nothing is predicted."""
LEVEL = 0.9
"""How often the target that the node comes to should be inside of the interval."""

_Crossed = list[tuple[Fit, list[float]]]
"""Models, each with how wrong it is about groups that it was not fitted to."""

_OUTER_FOLDS = 10
_MAX_GROUPS = 400
_BEYOND = math.log(2)
"""A size counts as twice the largest known at most, as half the smallest at least: beyond is guessing."""


@dataclass(frozen=True, slots=True)
class Known:
    """A group that has a recommendation.

    Attributes
    ----------
    target : float
        Above zero, in any unit; predictions are in the same.
    """

    features: NodeFeatures
    target: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a pod will need on a new node.

    Attributes
    ----------
    target, lower, upper : float
        In the unit of the known targets.
    level : float
        How often the target should be inside of the interval; less than `LEVEL` where few groups are known.
    groups : int
        How many groups it is made from.
    alike : int
        How many of them are on nodes of the same kind.
    terms : tuple of str
        What it looked at, with values, such as ``gpu=true`` and ``cpu^0.8``.
    unlike_any : tuple of str
        What no known group has, such as ``pool=edge``; the interval is wider for it.
    """

    target: float
    lower: float
    upper: float
    level: float
    groups: int
    alike: int
    terms: tuple[str, ...]
    unlike_any: tuple[str, ...]

    @property
    def why(self) -> str:
        """One sentence for people."""
        by = f" by {' and '.join(self.terms)}" if self.terms else ", as nothing tells them apart"
        new = f"; none has {', '.join(self.unlike_any)}, so the interval is wide" if self.unlike_any else ""
        return f"from {self.groups} groups{by} ({self.alike} on nodes of its kind){new}"


class NewNodes:
    """Predicts targets on new nodes; is fitted once.

    Intervals are cross-conformal (CV+; Barber, Candès, Ramdas and Tibshirani, Predictive inference with the
    jackknife+, Annals of Statistics 49, 2021), with the choice of the model inside of each fold.

    Parameters
    ----------
    known : sequence of Known
        At least `MIN_GROUPS`. Of more than 400 some are left out, evenly by target.
    """

    def __init__(self, known: Sequence[Known]) -> None:
        by_target = sorted(known, key=lambda each: each.target)
        step = max(len(by_target) / _MAX_GROUPS, 1.0)
        kept = [by_target[int(at * step)] for at in range(min(len(by_target), _MAX_GROUPS))]
        self._features = [each.features for each in kept]
        self._table = Table.of(self._features, [each.target for each in kept])
        self._rows = _mixed(len(kept))
        self._fit = self._fitted(self._rows)
        count = min(_OUTER_FOLDS, len(kept))
        self._crossed = self._cross([*folds(self._rows, count)])
        self._without: dict[str, _Crossed] = {}

    def predict(self, node: NodeFeatures) -> Prediction:
        """Return what a pod will need on a node, and how sure that is."""
        table, fit = self._table, self._fit
        strange = [key for key in fit.terms.labels if node.label(key) not in table.values[key]]
        crossed = self._without_values(strange[0]) if strange else self._crossed
        lower, upper, level = self._interval(crossed, node)
        centre = self._at(fit, node)
        unlike = (*(f"{key}={node.label(key)}" for key in strange), *self._never_seen(node))
        if unlike:
            lower = min(lower, float(table.targets.min()))
            upper = max(upper, float(table.targets.max()))
        return Prediction(
            target=math.exp(centre),
            lower=math.exp(min(lower, centre)),
            upper=math.exp(max(upper, centre)),
            level=level,
            groups=len(table),
            alike=self._alike(node),
            terms=_terms(fit, node),
            unlike_any=unlike,
        )

    def _fitted(self, rows: Integers) -> Fit:
        return fitted(self._table, chosen(self._table, rows), rows)

    def _cross(self, parts: list[tuple[Integers, Integers]]) -> _Crossed:
        """Return the model without each part, and how wrong it is about that part."""
        crossed: _Crossed = []
        for kept, out in parts:
            fit = self._fitted(kept)
            residuals = np.abs(self._table.targets[out] - predicted(self._table, fit, out))
            crossed.append((fit, residuals.tolist()))
        return crossed

    def _without_values(self, key: str) -> _Crossed:
        """Leave out all groups of one value at a time, for how wrong it is about values never seen."""
        if key not in self._without:
            column = self._table.labels[key][self._rows]
            parts = [(self._rows[column != code], self._rows[column == code]) for code in np.unique(column)]
            self._without[key] = self._cross(parts)
        return self._without[key]

    def _interval(self, crossed: _Crossed, node: NodeFeatures) -> tuple[float, float, float]:
        lows, highs = [], []
        for fit, residuals in crossed:
            centre = self._at(fit, node)
            lows += [centre - each for each in residuals]
            highs += [centre + each for each in residuals]
        count = len(lows)
        skipped = int((1 - LEVEL) * (count + 1))
        if not skipped:
            return min(lows), max(highs), count / (count + 1)
        return sorted(lows)[skipped - 1], sorted(highs)[-skipped], LEVEL

    def _at(self, fit: Fit, node: NodeFeatures) -> float:
        return fit.level(self._kind(fit.terms, node)) + fit.slope * self._size(fit.terms, node)

    def _kind(self, terms: Terms, node: NodeFeatures) -> tuple[int, ...]:
        values = self._table.values
        return tuple(
            values[key].index(node.label(key)) if node.label(key) in values[key] else -1
            for key in terms.labels
        )

    def _size(self, terms: Terms, node: NodeFeatures) -> float:
        if not terms.size:
            return 0.0
        column = self._table.sizes[terms.size]
        if terms.size not in node.sizes:
            return float(column.mean())
        low, high = float(column.min()) - _BEYOND, float(column.max()) + _BEYOND
        return min(max(math.log(node.sizes[terms.size]), low), high)

    def _alike(self, node: NodeFeatures) -> int:
        keys = self._fit.terms.labels
        return sum(all(each.label(key) == node.label(key) for key in keys) for each in self._features)

    def _never_seen(self, node: NodeFeatures) -> tuple[str, ...]:
        """Return the node's devices that no known group has."""
        return tuple(sorted(node.devices.difference(*(each.devices for each in self._features))))


def _terms(fit: Fit, node: NodeFeatures) -> tuple[str, ...]:
    labels = tuple(f"{key}={node.label(key)}" for key in fit.terms.labels)
    return (*labels, f"{fit.terms.size}^{fit.slope:.2g}") if fit.terms.size else labels


def _mixed(count: int) -> Integers:
    """Return row numbers in an order where each fold has small and large targets, the same each time."""
    return np.random.default_rng(0).permutation(count).astype(np.int64)
