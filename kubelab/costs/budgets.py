"""What may be spent in a month, and whether it will do.

A namespace says it itself, by the annotation ``costs.kubelab.dev/budget-usd-per-month``; for other groups it
is passed in. Costs are those without idle, unless idle is shared out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from kubelab.client import Object
from kubelab.costs.allocations import Allocations
from kubelab.costs.forecast import LEAST, Forecast, forecast
from kubelab.costs.windows import month_of
from kubelab.errors import KubelabError

BUDGET = "costs.kubelab.dev/budget-usd-per-month"

State = Literal["within", "at risk", "will be over", "over"]


class BudgetError(KubelabError, ValueError):
    """A budget that is no amount.

    Attributes
    ----------
    name : str
    """

    def __init__(self, name: str, usd: float) -> None:
        self.name = name
        super().__init__(f"the budget of {name} is {usd}. Give USD a month, 0 or more.")


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """How a budget stands.

    Attributes
    ----------
    name : str
        Whose it is.
    usd_per_month, spent_usd : float
        What may be spent, and what was spent in this month so far.
    month_end : Forecast or None
        What will have been spent when the month ends; None where too little is known.
    state : {"within", "at risk", "will be over", "over"}
        At risk if the forecast's high bound is above the budget, over to be if what is expected is.
    """

    name: str
    usd_per_month: float
    spent_usd: float
    month_end: Forecast | None
    state: State


def budgets_of(namespaces: Iterable[Object]) -> dict[str, float]:
    """Return the budgets that Namespaces say, in USD a month; what is no amount counts for nothing."""
    found = {}
    for each in namespaces:
        text = (each["metadata"].get("annotations") or {}).get(BUDGET)
        try:
            usd = float(text) if text is not None else math.nan
        except ValueError:
            continue
        if 0 <= usd < math.inf:
            found[each["metadata"]["name"]] = usd
    return found


def statuses(
    found: Allocations, budgets: Mapping[str, float], *, step: timedelta, season: int = 0
) -> list[BudgetStatus]:
    """Return how budgets stand, by the allocations of this month until now in equal steps.

    Parameters
    ----------
    budgets : mapping of str to float
        By a group's name: USD a month.
    step : timedelta
        How long a whole step of the allocations is; one that is under way counts as spent alone.
    season : int
        See `kubelab.costs.forecast.forecast`.

    Raises
    ------
    BudgetError
        If a budget is no amount.
    """
    for name, usd in budgets.items():
        if not 0 <= usd < math.inf:
            raise BudgetError(name, usd)
    left = (month_of(found.window.end, 1) - found.window.end) / step
    return [
        _status(name, usd, found.series(name), left=left, step=step, season=season)
        for name, usd in sorted(budgets.items())
    ]


def _status(
    name: str,
    usd: float,
    series: list[tuple[datetime, datetime, float]],
    *,
    left: float,
    step: timedelta,
    season: int,
) -> BudgetStatus:
    spent = sum(cost for _, _, cost in series)
    whole = [cost for start, end, cost in series if end - start == step]
    coming = forecast(whole, left, season=season) if len(whole) >= LEAST else None
    total = coming and Forecast(
        spent + coming.usd, spent + coming.low_usd, spent + coming.high_usd, coming.confidence, coming.alpha,
        coming.season,
    )  # fmt: skip
    return BudgetStatus(name, usd, spent, total, _state(usd, spent, total))


def _state(usd: float, spent: float, total: Forecast | None) -> State:
    if spent > usd:
        return "over"
    if total is None or total.high_usd <= usd:
        return "within"
    return "will be over" if total.usd > usd else "at risk"
