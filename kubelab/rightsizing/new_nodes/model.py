"""A small model of targets by what nodes are like: kinds by labels, and a power of one size.

ln(target) = level of the kind + slope x ln(size) + noise. A kind that was seen little is drawn towards the
mean of all kinds, as in a random-effects model (Searle, Casella and McCulloch, Variance Components, 1992).
Which labels and which size is chosen by cross-validation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kubelab.rightsizing.new_nodes.table import Floats, Integers, Table

_INNER_FOLDS = 5
_WORTH = 0.03
"""How much smaller the error must be, as a part of it, for one more label or size to be looked at."""
_MAX_VALUES = 4096
Kind = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a model looks at.

    Attributes
    ----------
    labels : tuple of str
        At most two; each combination of their values is a kind.
    size : str
        The size whose power it takes; "" for none.
    """

    labels: tuple[str, ...] = ()
    size: str = ""

    def __len__(self) -> int:
        return len(self.labels) + bool(self.size)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A model, fitted.

    Attributes
    ----------
    slope : float
        The power of the size.
    levels : dict
        By the numbers of the labels' values: of both labels, of the first alone, and of none, where the
        mean of all stands.
    """

    terms: Terms
    slope: float
    levels: dict[Kind, float]

    def level(self, kind: Kind) -> float:
        """Return the level of a kind; of one never seen, that of the first label's value, or the mean."""
        while kind not in self.levels:
            kind = kind[:-1]
        return self.levels[kind]


def fitted(table: Table, terms: Terms, rows: Integers) -> Fit:
    """Fit a model to some of the groups; at least one."""
    targets, slope = table.targets[rows], 0.0
    if terms.size:
        _, of_row = _kinds(table, terms.labels, rows)
        sizes = table.sizes[terms.size][rows]
        slope = _slope(sizes, targets, of_row)
        targets = targets - slope * sizes
    return Fit(terms, slope, _levels(table, terms, rows, targets))


def chosen(table: Table, rows: Integers) -> Terms:
    """Return what is worth looking at, by the mean absolute error on groups left out."""
    best = _best(table, rows, _first(table), Terms())
    return _best(table, rows, _second(table, best), best)


def folds(rows: Integers, count: int) -> Iterator[tuple[Integers, Integers]]:
    """Yield pairs of the rows kept and the rows left out, each row left out once."""
    for fold in range(count):
        out = np.zeros(len(rows), dtype=bool)
        out[fold::count] = True
        yield rows[~out], rows[out]


def predicted(table: Table, fit: Fit, rows: Integers) -> Floats:
    """Return the logarithms of the targets that a model expects of groups."""
    kinds, of_row = _kinds(table, fit.terms.labels, rows)
    levels = np.array([fit.level(kind) for kind in kinds])[of_row]
    return levels + fit.slope * table.sizes[fit.terms.size][rows] if fit.terms.size else levels


def _first(table: Table) -> list[Terms]:
    """Return all models of at most one label, the simple ones first."""
    labels: list[tuple[str, ...]] = [(), *((key,) for key in table.labels)]
    return sorted((Terms(label, size) for label in labels for size in ("", *table.sizes)), key=len)


def _second(table: Table, best: Terms) -> list[Terms]:
    """Return the models that look at one more label than the best."""
    others = [key for key in table.labels if key not in best.labels] if best.labels else []
    return [Terms((*best.labels, key), size) for key in others for size in ("", *table.sizes)]


def _best(table: Table, rows: Integers, candidates: list[Terms], so_far: Terms) -> Terms:
    best, error = so_far, _error(table, so_far, rows)
    for terms in candidates:
        found = _error(table, terms, rows)
        if found < error * (1 - _WORTH) ** max(len(terms) - len(best), 0):
            best, error = terms, found
    return best


def _error(table: Table, terms: Terms, rows: Integers) -> float:
    errors = [
        np.abs(table.targets[out] - predicted(table, fitted(table, terms, kept), out))
        for kept, out in folds(rows, min(_INNER_FOLDS, len(rows)))
        if len(kept)
    ]
    return float(np.concatenate(errors).mean()) if errors else np.inf


def _kinds(table: Table, labels: tuple[str, ...], rows: Integers) -> tuple[list[Kind], Integers]:
    """Return the kinds among some groups, and which of these each group is."""
    if not labels:
        return [()], np.zeros(len(rows), dtype=np.int64)
    code = np.zeros(len(rows), dtype=np.int64)
    for key in labels:
        code = code * _MAX_VALUES + table.labels[key][rows]
    codes, of_row = np.unique(code, return_inverse=True)
    if len(labels) == 1:
        return [(each,) for each in codes.tolist()], of_row
    return [divmod(each, _MAX_VALUES) for each in codes.tolist()], of_row


def _slope(sizes: Floats, targets: Floats, of_row: Integers) -> float:
    """Return the slope within kinds; 0 where sizes differ between kinds alone."""
    within = sizes - _means(sizes, of_row)[of_row]
    spread = float(within @ within)
    return float(within @ targets) / spread if spread > 1e-6 else 0.0


def _levels(table: Table, terms: Terms, rows: Integers, targets: Floats) -> dict[Kind, float]:
    """Return the levels of kinds, each drawn to that of the kind around it by how little is known of it."""
    around = _kinds(table, terms.labels[:1], rows)[1]
    mean = float(_means(targets, around).mean())
    levels: dict[Kind, float] = {(): mean}
    left = targets - mean
    for depth in range(1, len(terms.labels) + 1):
        kinds, of_row = _kinds(table, terms.labels[:depth], rows)
        effects = _drawn(left, of_row)
        left = left - effects[of_row]
        levels |= {
            kind: levels[kind[:-1]] + effect for kind, effect in zip(kinds, effects.tolist(), strict=True)
        }
    return levels


def _drawn(values: Floats, of_row: Integers) -> Floats:
    """Return the means of kinds, drawn to zero."""
    means, counts = _means(values, of_row), np.bincount(of_row)
    if len(means) < 2 or len(values) <= len(means):
        return means
    noise = float(np.square(values - means[of_row]).sum()) / (len(values) - len(means))
    between = float(means @ means) / (len(means) - 1) - noise * float((1 / counts).mean())
    drawn: Floats = means * (counts / (counts + noise / between) if between > 0 else 0.0)
    return drawn


def _means(values: Floats, of_row: Integers) -> Floats:
    found: Floats = np.bincount(of_row, values) / np.bincount(of_row)
    return found
