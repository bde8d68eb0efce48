"""A cluster's requests as still HTML: what is asked for, used and recommended, where no kernel is."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from kubelab.live import HeatMap, NodeCell, RightsizingSnapshot, SizedRow
from kubelab.rightsizing.recommendation import shown, unit_of
from kubelab.usage.series import Resource
from kubelab_widgets.fallback import cells_of

_ROWS = 30
_NODES = 60
_HEADS = (
    "container",
    "resource",
    "pods",
    "asks for",
    "uses",
    "peak",
    "recommended",
    "between",
    "USD/month",
    "why",
)
_HUE = "0, 114, 178"


def rightsizing_html(name: str, snapshot: RightsizingSnapshot) -> str:
    """Return the recommendations that save most, and a map of each DaemonSet; every text is escaped."""
    saves = f"{len(snapshot.rows)} requests; {snapshot.saves_usd_per_month:,.2f} USD a month of them could go"
    head = f"<p><b>{escape(name)}</b>: {escape(snapshot.strategy)}, {saves}</p>"
    gaps = "".join(f"<p>{escape(each)}</p>" for each in snapshot.missing)
    maps = "".join(map(_map, snapshot.heat))
    return f'<div class="kubelab-rightsizing">{head}{gaps}{_table(snapshot.rows)}{maps}</div>'


def amount(value: float | None, resource: Resource) -> str:
    """Return an amount for people; "?" where nothing is known."""
    return "?" if value is None else shown(value, unit_of(resource))


def _table(rows: Sequence[SizedRow]) -> str:
    head = "".join(f'<th scope="col">{each}</th>' for each in _HEADS)
    body = "".join(f"<tr>{cells_of(*_cells(each))}</tr>" for each in rows[:_ROWS])
    rest = f"<p>and {len(rows) - _ROWS} more</p>" if len(rows) > _ROWS else ""
    return f"<table><tr>{head}</tr>{body}</table>{rest}" if rows else "<p>No container runs.</p>"


def _cells(row: SizedRow) -> tuple[object, ...]:
    namespace, _, workload, container, scope_value = row.name
    where = f" on {scope_value}" if scope_value else ""
    amounts = (amount(each, row.resource) for each in (row.request, row.use, row.peak, row.target))
    between = f"{amount(row.lower, row.resource)} … {amount(row.upper, row.resource)}"
    saves = "" if row.saves_usd_per_month is None else f"{-row.saves_usd_per_month:+.2f} ({row.prices_of})"
    name = f"{namespace}/{workload}: {container}{where}"
    return name, row.resource, row.pods, *amounts, between, saves, row.why


def _map(heat: HeatMap) -> str:
    highest = max((cell.use or 0.0 for cell in heat.cells), default=0.0)
    cells = "".join(_cell(each, heat.resource, highest) for each in heat.cells[:_NODES])
    rest = f"<p>and {len(heat.cells) - _NODES} more nodes</p>" if len(heat.cells) > _NODES else ""
    head = "".join(f'<th scope="col">{each}</th>' for each in ("node", "asks for", "uses", "recommended"))
    caption = f"<caption>{escape(heat.of)}, {heat.resource} by node</caption>"
    return f"<table>{caption}<tr>{head}</tr>{cells}</table>{rest}"


def _cell(cell: NodeCell, resource: Resource, highest: float) -> str:
    share = (cell.use or 0.0) / highest if highest else 0.0
    use = f'<td style="background: rgba({_HUE}, {0.7 * share:.2f})">{amount(cell.use, resource)}</td>'
    asks, should = cells_of(amount(cell.request, resource)), cells_of(amount(cell.target, resource))
    return f"<tr>{cells_of(cell.node)}{asks}{use}{should}</tr>"
