"""A cluster's costs as still HTML, for where no kernel is."""

from __future__ import annotations

from html import escape

from kubelab.live import CostRow, CostSnapshot
from kubelab_widgets.fallback import cells_of
from kubelab_widgets.fleet_fallback import dates_of
from kubelab_widgets.still_chart import COLOURS, Line, line_chart

_ROWS = 20


def costs_html(name: str, costs: CostSnapshot) -> str:
    """Return the burn rate, what nodes and idle cost over time, and who for; every text is escaped."""
    idle = costs.idle_usd / costs.spent_usd if costs.spent_usd else 0.0
    head = f"<p><b>{escape(name)}</b>: {costs.usd_per_hour:,.2f} USD/h, idle {idle:.0%}"
    spent = f"; {costs.spent_usd:,.2f} USD in {costs.hours:.3g} h{dates_of(costs.price_dates)}</p>"
    return f'<div class="kubelab-costs">{head}{spent}{_curves(costs)}{_table(costs)}</div>'


def _curves(costs: CostSnapshot) -> str:
    if costs.curves is None:
        return ""
    sums = [sum(values) for values in zip(*costs.curves.groups.values(), strict=True)]
    *_, idle = costs.curves.groups.values()
    minutes = [round(place * costs.curves.stretch_s / 60) for place in range(len(sums))]
    lines = [
        Line(list(zip(minutes, sums, strict=True)), COLOURS[0]),
        Line(list(zip(minutes, idle, strict=True)), COLOURS[1], "6 3"),
    ]
    title = f"USD an hour: now {sums[-1]:.2f}, of that idle {idle[-1]:.2f}"
    return line_chart("USD/h over minutes; the dashed line is idle", lines, title=title, across="minute")


def _table(costs: CostSnapshot) -> str:
    heads = (costs.aggregate, "USD", "share", "pods", "CPU used", "memory used", "USD a month", "budget")
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    rows = "".join(f"<tr>{cells_of(*_cells(each))}</tr>" for each in costs.rows[:_ROWS])
    return f"<table><tr>{head}</tr>{rows}</table>"


def _cells(row: CostRow) -> tuple[object, ...]:
    used = ("" if each is None else f"{each:.0%}" for each in (row.cpu_efficiency, row.ram_efficiency))
    budget = "" if row.budget_usd is None else f"{row.budget_usd:,.0f}"
    return row.name, f"{row.usd:,.2f}", f"{row.share:.0%}", row.pods, *used, f"{row.month_usd:,.0f}", budget
