"""From a ledger to what a view of costs shows: the window's groups, and what each cost over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from kubelab.clock import rfc3339
from kubelab.costs import efficiency
from kubelab.costs.allocation import Window
from kubelab.costs.allocations import Allocations
from kubelab.costs.grouping import IDLE, Grouping
from kubelab.costs.ledger import Ledger
from kubelab.costs.rates import HOURS_PER_MONTH
from kubelab.costs.share import Share, shares
from kubelab.live.cost_history import CostCurves
from kubelab.live.cost_snapshot import CostRow, CostSnapshot

BUCKETS = 48
MOST_GROUPS = 6
OTHERS = "others"
"""Groups beyond the dearest six are one area."""


def reckon(
    ledger: Ledger, aggregate: str, *, window: timedelta, budgets: Mapping[str, float] | None = None
) -> CostSnapshot:
    """Return what a view shows.

    Parameters
    ----------
    window : timedelta
        How far back it looks from the ledger's end, at most to the first node.
    budgets : mapping of str to float, optional
        By a group's name: USD a month.

    Raises
    ------
    AggregateError
        If pods have nothing of the name.
    """
    grouping, budgets = Grouping.parse(aggregate), budgets or {}
    start = max(ledger.begins, ledger.now - window)
    if start >= ledger.now:
        return CostSnapshot(rfc3339(ledger.now), aggregate, usd_per_hour=ledger.usd_per_hour)
    whole = Window(start, ledger.now)
    allocation = ledger.allocate(whole)
    found = shares(allocation, grouping)
    total = sum(each.money.total for each in allocation.nodes)
    mine = [budgets[each.name] for each in found if each.name in budgets]
    dates = {each.node.price.date.isoformat() for each in allocation.nodes if each.node.price}
    return CostSnapshot(
        now=rfc3339(ledger.now),
        aggregate=aggregate,
        usd_per_hour=ledger.usd_per_hour,
        spent_usd=total,
        idle_usd=sum(each.idle.total for each in allocation.nodes),
        hours=whole.hours,
        efficiency=_overall(found),
        rows=tuple(_row(each, total, whole, budgets) for each in found),
        curves=curves(ledger, whole, aggregate, [each.name for each in found if not each.is_special]),
        budget_usd_per_hour=sum(mine) / HOURS_PER_MONTH if mine else None,
        price_dates=tuple(sorted(dates)),
        unpriced=sum(each.node.price is None for each in allocation.nodes),
    )


def curves(ledger: Ledger, window: Window, aggregate: str, names: Sequence[str]) -> CostCurves:
    """Return what each group cost an hour over time, the dearest first and what is idle last."""
    stretch = (window.end - window.start) / BUCKETS
    kept = list(names[:MOST_GROUPS])
    groups = {
        name: [0.0] * BUCKETS for name in [*kept, *([OTHERS] if len(names) > MOST_GROUPS else []), IDLE]
    }
    hours = stretch / timedelta(hours=1)
    for place in range(BUCKETS):
        start = window.start + place * stretch
        part = Allocations.of(ledger, Window(start, start + stretch), aggregate)
        for each in (share for step in part.steps for share in step):
            name = each.name if each.name in groups else OTHERS
            groups[name][place] += each.total_usd / hours
    rounded = {name: tuple(round(usd, 4) for usd in values) for name, values in groups.items()}
    return CostCurves(window.start, stretch.total_seconds(), rounded)


def _row(share: Share, total: float, window: Window, budgets: Mapping[str, float]) -> CostRow:
    usd = share.total_usd
    return CostRow(
        share.name,
        usd,
        usd / total if total else 0.0,
        share.pods,
        efficiency.cpu_efficiency(share),
        efficiency.ram_efficiency(share),
        efficiency.total_efficiency(share),
        budgets.get(share.name),
        usd / window.hours * HOURS_PER_MONTH,
    )


def _overall(found: Sequence[Share]) -> float | None:
    """Return the efficiency of all groups whose use is known, weighed by what they cost."""
    known = [
        (each.money.total, value)
        for each in found
        if (value := efficiency.total_efficiency(each)) is not None
    ]
    usd = sum(cost for cost, _ in known)
    return sum(cost * value for cost, value in known) / usd if usd else None
