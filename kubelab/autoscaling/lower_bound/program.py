"""The cheapest nodes for pods at one moment, from below: a mixed-integer program, solved by HiGHS.

Nodes of each kind are whole numbers; pods of equal requests are one flow to the kinds of nodes. Pods are not
packed onto single nodes, so that what comes out is never above the cheapest true packing. Three families of
inequalities, which every true packing keeps, bring it near: resources in sum, how many pods of one shape a
node holds, and dual feasible functions (Fekete and Schepers, 2001: ``u(x) = floor((k + 1) x) / k``, or ``x``
where ``(k + 1) x`` is whole), by which two pods of more than half a node never share it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
GAP = 1e-4
"""When to stop: HiGHS' own bound is returned, so this only loosens the result."""


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
    """The rows of the program; columns are nodes of each offer, then pods of each shape on each that fits."""

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
        here = {column: 1.0 for (s, _), column in self.column.items() if s == shape}
        self._add(here, list(self.pods.values())[shape])
        for (s, offer), column in self.column.items():
            if s == shape:
                self._add({offer: float(self.rooms[s][offer]), column: -1.0})

    def _fit(self, number: int, offer: Offer) -> None:
        """All pods on nodes of a kind fit in sum: by resource, as they are and under each function."""
        shapes = [(s, {**dict(shape), PODS: 1}) for s, shape in enumerate(self.pods)]
        shapes = [(s, requests) for s, requests in shapes if (s, number) in self.column]
        for resource in sorted({name for _, requests in shapes for name in requests}):
            free = offer.free.get(resource, 0)
            shares = {s: Fraction(each[resource], free) for s, each in shapes if each.get(resource)}
            for k in (0, *FUNCTIONS):
                row = {self.column[s, number]: -_under(share, k) for s, share in shares.items()}
                self._add({number: 1.0, **{column: value for column, value in row.items() if value}})

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
        found = milp(
            prices,
            constraints=self._constraints(),
            bounds=Bounds(least, most),
            integrality=np.arange(columns) < kinds,
            options={"mip_rel_gap": GAP, "time_limit": time_limit_s},
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
