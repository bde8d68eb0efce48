"""The cheapest nodes for pods at one moment, from below: a mixed-integer program, solved by HiGHS.

Nodes of each kind are whole numbers; pods of equal requests are one flow to the kinds of nodes. Pods are not
packed onto single nodes, so that what comes out is never above the cheapest true packing. Three families of
inequalities, which every true packing keeps, bring it near: resources in sum, how many pods of one shape a
node holds, and dual feasible functions (Fekete and Schepers, 2001: ``u(x) = floor((k + 1) x) / k``, or ``x``
where ``(k + 1) x`` is whole), by which two pods of more than half a node never share it.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from kubelab.autoscaling.lower_bound.offers import PODS, Offer, TooFewNodesError, check, described
from kubelab.scheduling.requests import Amounts

if TYPE_CHECKING:
    from scipy.optimize import LinearConstraint

Shape = tuple[tuple[str, int], ...]
"""A pod's requests, sorted by resource."""

FUNCTIONS = range(1, 6)
"""The ``k`` of the dual feasible functions."""

TIME_LIMIT_S = 10.0
NODE_LIMIT = 300
"""How many branches to try: unlike time, the same on every machine."""

GAP = 5e-4
"""When to stop. HiGHS' own bound is returned, so all three only loosen the result."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What nodes cost at least.

    Attributes
    ----------
    usd_per_hour : float
        No nodes that hold the pods cost less: the solver's dual bound.
    nodes : mapping of str to int
        The nodes of the best answer, by offer; they may be too few, as pods are not packed one by one.
    nodes_usd_per_hour : float
        What these cost; above ``usd_per_hour`` only by the solver's gap, or if time ran out.
    """

    usd_per_hour: float
    nodes: Mapping[str, int]
    nodes_usd_per_hour: float


def shape_of(requests: Amounts) -> Shape:
    """Return what pods are grouped by."""
    return tuple(sorted((name, amount) for name, amount in requests.items() if amount))


def lower_bound(
    pods: Mapping[Shape, int], offers: Sequence[Offer], *, time_limit_s: float = TIME_LIMIT_S
) -> Bound:
    """Bound what the nodes cost that hold some pods.

    Parameters
    ----------
    pods : mapping
        How many there are of each shape (`shape_of`).
    offers : sequence of Offer
        The kinds of nodes that can be had.
    time_limit_s : float
        When to stop; the bound is true even then.

    Raises
    ------
    NoRoomError
        If a pod fits on no kind of node.
    TooFewNodesError
        If the offers' largest numbers do not hold all pods.
    """
    wanted = {shape: count for shape, count in sorted(pods.items()) if count > 0}
    for shape in wanted:
        check(f"asking for {described(dict(shape))}", dict(shape), offers)
    if not wanted and not any(offer.least for offer in offers):
        return Bound(0.0, {}, 0.0)
    return _Program(wanted, offers).solve(time_limit_s)


class _Program:
    """The rows of the program.

    Columns are the nodes of each offer, then for each shape and each offer that it fits the number of nodes
    that these pods would fill if they were alone.
    """

    def __init__(self, pods: Mapping[Shape, int], offers: Sequence[Offer]) -> None:
        self.pods = pods
        self.offers = offers
        self.rooms = [[offer.room(dict(shape)) for offer in offers] for shape in pods]
        pairs = [(s, o) for s in range(len(pods)) for o in range(len(offers)) if self.rooms[s][o]]
        self.column = {pair: len(offers) + number for number, pair in enumerate(pairs)}
        self._rows: list[dict[int, float]] = []
        self._low: list[float] = []
        for at in range(len(pods)):
            self._place(at)
        for number, offer in enumerate(offers):
            self._fit(number, offer)

    def _place(self, shape: int) -> None:
        """Every pod is somewhere, and no more on nodes of a kind than each of them holds alone."""
        here = {offer: column for (s, offer), column in self.column.items() if s == shape}
        held = {column: float(self.rooms[shape][offer]) for offer, column in here.items()}
        self._add(held, list(self.pods.values())[shape])
        for offer, column in here.items():
            self._add({offer: 1.0, column: -1.0})

    def _fit(self, number: int, offer: Offer) -> None:
        """All pods on nodes of a kind fit in sum: by resource, as they are and under each function."""
        shapes = [(s, {**dict(shape), PODS: 1}) for s, shape in enumerate(self.pods)]
        shapes = [(s, requests) for s, requests in shapes if (s, number) in self.column]
        for resource in sorted({name for _, requests in shapes for name in requests}):
            free = offer.free.get(resource, 0)
            shares = {s: Fraction(each[resource], free) for s, each in shapes if each.get(resource)}
            for k in (0, *FUNCTIONS):
                under = {s: _under(share, k) for s, share in shares.items()}
                if k and all(under[s] <= share for s, share in shares.items()):
                    continue
                row = {self.column[s, number]: -self.rooms[s][number] * value for s, value in under.items()}
                self._add({number: 1.0, **row})

    def _add(self, row: dict[int, float], low: float = 0.0) -> None:
        """Demand that the sum of a row is at least ``low``."""
        if row not in self._rows:
            self._rows.append(row)
            self._low.append(low)

    def solve(self, time_limit_s: float) -> Bound:
        """Ask HiGHS."""
        import numpy as np
        from scipy.optimize import Bounds, milp

        kinds, columns = len(self.offers), len(self.offers) + len(self.column)
        prices = np.array([offer.usd_per_hour for offer in self.offers] + [0.0] * len(self.column))
        least = np.array([float(offer.least) for offer in self.offers] + [0.0] * len(self.column))
        most = np.full(columns, np.inf)
        for number, offer in enumerate(self.offers):
            most[number] = math.inf if offer.most is None else max(offer.most, offer.least)
        with _muted():
            found = milp(
                prices,
                constraints=self._constraints(),
                bounds=Bounds(least, most),
                integrality=np.arange(columns) < kinds,
                options={"mip_rel_gap": GAP, "node_limit": NODE_LIMIT, "time_limit": time_limit_s},
            )
        if found.status == 2:
            raise TooFewNodesError(self.offers)
        bound = max(float(found.mip_dual_bound), 0.0)
        if found.x is None:
            return Bound(bound, {}, math.inf)
        nodes = {offer.name: round(found.x[number]) for number, offer in enumerate(self.offers)}
        return Bound(bound, {name: count for name, count in nodes.items() if count}, float(found.fun))

    def _constraints(self) -> LinearConstraint:
        import numpy as np
        from scipy.optimize import LinearConstraint
        from scipy.sparse import csr_array

        at = [(row, column, value) for row, each in enumerate(self._rows) for column, value in each.items()]
        rows, columns, values = zip(*at, strict=True) if at else ((), (), ())
        shape = (len(self._rows), len(self.offers) + len(self.column))
        return LinearConstraint(
            csr_array((values, (rows, columns)), shape=shape), np.array(self._low), np.inf
        )


def _under(share: Fraction, k: int) -> float:
    """Return a share of a node under a dual feasible function; as it is for 0."""
    scaled = share * (k + 1)
    return float(share) if k == 0 or scaled.denominator == 1 else math.floor(scaled) / k


@contextmanager
def _muted() -> Iterator[None]:
    """Drop what C code prints: scipy 1.17's HiGHS has a forgotten message that no option silences."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
