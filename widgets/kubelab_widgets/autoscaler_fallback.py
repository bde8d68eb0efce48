"""An autoscaler as still HTML: its money, its latest decisions and why, where no kernel is."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.live import AutoscalerSnapshot, CostCurves, DecisionRow, Point
from kubelab_widgets.fallback import cells_of
from kubelab_widgets.fleet_fallback import dates_of
from kubelab_widgets.still_chart import COLOURS, Line, line_chart

_ROWS = 12


def autoscaler_html(
    name: str,
    snapshot: AutoscalerSnapshot,
    decisions: Sequence[DecisionRow],
    last: Object | None,
    bound: Sequence[tuple[str, float]] = (),
) -> str:
    """Return the policy, the money, the last decisions, and the last one's options; every text is escaped."""
    policy = f"{snapshot.expander} chooses" if snapshot.exists else "no autoscaler runs"
    head = f"<p><b>{escape(name)}</b>: {escape(policy)}, {len(decisions)} decisions</p>"
    usd = sum(snapshot.usd_per_hour.values())
    dates = dates_of(snapshot.price_dates)
    money = f"<p>{usd:,.2f} USD/h; {snapshot.spent_usd:,.2f} USD until {snapshot.now}{dates}</p>"
    body = f"{_curve(snapshot.curves, bound)}{_table(decisions)}{_options(last)}"
    return f'<div class="kubelab-autoscaler">{head}{money}{body}</div>'


def _curve(curves: CostCurves | None, bound: Sequence[tuple[str, float]]) -> str:
    if curves is None:
        return ""
    sums = [sum(values) for values in zip(*curves.groups.values(), strict=True)]
    minutes = [round(place * curves.stretch_s / 60) for place in range(len(sums))]
    lines = [Line(list(zip(minutes, sums, strict=True)), COLOURS[0]), _bound(curves, bound, minutes[-1])]
    title = f"USD an hour over {minutes[-1]} minutes: now {sums[-1]:.2f}, at most {max(sums):.2f}"
    caption = "USD/h over minutes; the dashed line is the lower bound" if bound else "USD/h over minutes"
    return line_chart(caption, lines, title=title, across="minute")


def _bound(curves: CostCurves, bound: Sequence[tuple[str, float]], last: int) -> Line:
    """Return a bound's steps as a dashed line, as far as the curves go."""
    points: list[Point] = []
    for begins, usd_per_hour in bound:
        minute = max(round((parse_rfc3339(begins) - curves.since).total_seconds() / 60), 0)
        if minute <= last:
            points += [(minute, points[-1][1])] if points else []
            points.append((minute, usd_per_hour))
    return Line([*points, (last, points[-1][1])] if points else [], COLOURS[1], "6 3")


def _table(decisions: Sequence[DecisionRow]) -> str:
    heads = ("time", "action", "group", "nodes", "pods", "USD/h", "why")
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    rows = "".join(f"<tr>{cells_of(*_cells(each))}</tr>" for each in reversed(decisions[-_ROWS:]))
    return f"<table><tr>{head}</tr>{rows}</table>" if rows else ""


def _cells(row: DecisionRow) -> tuple[object, ...]:
    money = "" if row.usd_per_hour is None else f"{row.usd_per_hour:+.4g} ({row.price_date})"
    return row.time, row.action, row.node_group, f"{row.nodes:+d}", row.pods, money, row.why


def _options(last: Object | None) -> str:
    if not last or not last.get("options"):
        return ""
    heads = ("option", "nodes", "pods", "USD/h", "rank", "why", "to win")
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    rows = "".join(f"<tr>{cells_of(*_option(each))}</tr>" for each in last["options"])
    caption = f"<caption>Options of the last decision, {escape(last['time'])}</caption>"
    return f"<table>{caption}<tr>{head}</tr>{rows}</table>"


def _option(option: Object) -> tuple[object, ...]:
    usd = option.get("usdPerHour")
    money = "" if usd is None else f"{usd:.4g} ({option.get('priceDate', '')})"
    counts = option.get("nodeCount", 0), option.get("podCount", 0)
    return (
        option["nodeGroup"],
        *counts,
        money,
        option.get("rank", ""),
        option.get("why", ""),
        option.get("toWin", ""),
    )
