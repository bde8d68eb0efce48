"""What a view of a cluster's costs shows, taken at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from kubelab.live.cost_history import CostCurves


@dataclass(frozen=True, slots=True)
class CostRow:
    """One group, or what is idle.

    Attributes
    ----------
    name : str
        OpenCost's.
    usd : float
        In the window.
    share : float
        Of all, from 0 to 1.
    cpu_efficiency, ram_efficiency, efficiency : float or None
        Use by request; None where no use is known.
    budget_usd : float or None
        A month's; None if it has none.
    month_usd : float
        What the window comes to in a month of 730 hours.
    """

    name: str
    usd: float
    share: float
    pods: int = 0
    cpu_efficiency: float | None = None
    ram_efficiency: float | None = None
    efficiency: float | None = None
    budget_usd: float | None = None
    month_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class CostSnapshot:
    """A cluster's costs.

    Attributes
    ----------
    now : str
        RFC 3339.
    aggregate : str
        By what they are put together.
    usd_per_hour : float
        What the nodes that are there cost.
    spent_usd, idle_usd : float
        In the window, which ends now.
    hours : float
        How long the window is.
    efficiency : float or None
        Of all groups together; None where no use is known.
    rows : tuple of CostRow
        The dearest first, idle last.
    curves : CostCurves or None
        USD an hour by group, idle last and so on top.
    budget_usd_per_hour : float or None
        What all budgets come to an hour.
    """

    now: str
    aggregate: str
    usd_per_hour: float = 0.0
    spent_usd: float = 0.0
    idle_usd: float = 0.0
    hours: float = 0.0
    efficiency: float | None = None
    rows: tuple[CostRow, ...] = ()
    curves: CostCurves | None = None
    budget_usd_per_hour: float | None = None
    price_dates: tuple[str, ...] = ()
    unpriced: int = 0
