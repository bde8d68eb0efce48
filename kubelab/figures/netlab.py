"""Figures of a node's network: what rules cost a packet, and how long they take to load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from kubelab.figures.style import COLOURS, DASHES, SYMBOLS, name_origin, new_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from kubelab.netlab.maps import MapsStudy
    from kubelab.netlab.results import Comparison, Measure, Position

_TITLES = ("first packet to the last Service, net (µs)", "all rules anew (s)", "one Service more (s)")


class Shape(NamedTuple):
    """How a curve is told from others: colour and symbol say its backend, the dash its endpoints."""

    place: int
    kind: int
    name: str


def proxy_figure(comparison: Comparison) -> go.Figure:
    """Return three charts over the number of Services, a line for each backend, with bars over the repeats.

    The median first packet to the last Service, less the direct path's; how long all rules take to
    load; how long the sync takes in which a Service comes, with its listing where every sync lists.

    Parameters
    ----------
    comparison : Comparison
        Cells that were skipped are left out.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=3, subplot_titles=_TITLES, horizontal_spacing=0.07)
    for shape, measures in curves_of(comparison):
        for column, (values, bars) in enumerate((_net_latency(measures), *_times(measures)), start=1):
            xs = [each.services for each in measures]
            options = {"error_y": bars, "showlegend": column == 1, **_look(shape)}
            figure.add_scatter(x=xs, y=values, row=1, col=column, **options)
    sizes = sorted({each.services for each in comparison.measures})
    figure.update_xaxes(title="Services", tickvals=sizes, tickformat="~s", rangemode="tozero")
    figure.update_yaxes(rangemode="tozero", col=1)
    for column in (2, 3):
        figure.update_yaxes(type="log", dtick="D2", tickformat="~g", col=column)
    figure.update_annotations(font={"size": 13})
    figure.update_layout(
        template="plotly_white",
        height=400,
        margin={"l": 48, "r": 16, "t": 76},
        legend={"orientation": "h", "y": 1.14, "yanchor": "bottom"},
    )
    name_origin(figure, _origin(comparison))
    return figure


def latency_figure(comparison: Comparison, services: int) -> go.Figure:
    """Return percentiles of the first packet by the position of its Service among the rules.

    A box reaches from p01 to p90, its line is the median, and its whisker ends at p99.

    Parameters
    ----------
    comparison : Comparison
        Where it comes from.
    services : int
        How many Services there are.
    """
    across = f"position among {services:,} Services (box: p01, median, p90; whisker: p99)"
    figure = new_figure(x=across, y="first packet (µs)")
    positions: tuple[Position, ...] = ("direct", "first", "middle", "last")
    for shape, measures in curves_of(comparison):
        for measure in measures:
            if measure.services == services:
                _add_percentiles(figure, shape, [(each, measure.latency[each]) for each in positions])
    figure.update_yaxes(rangemode="tozero")
    figure.update_layout(height=380, boxmode="group")
    name_origin(figure, _origin(comparison))
    return figure


def maps_figure(study: MapsStudy) -> go.Figure:
    """Return how long rules take to load by their number, with a map each and without, and the fits.

    Below it stands on which machine they were loaded, and whether that was another one.
    """
    what = "processor time (s)" if study.timer == "processor" else "load (s)"
    figure = new_figure(x=f"rules (with maps: {study.rows[-1].elements:,} elements in all)", y=what)
    counts = [row.maps for row in study.rows]
    curve = [counts[0] + (counts[-1] - counts[0]) * i / 40 for i in range(41)]
    kinds = (
        ("with_maps_s", study.with_maps, "a map in each rule (1.36)"),
        ("without_maps_s", study.without_maps, "no maps (1.37, one endpoint)"),
    )
    for place, (name, fitted, label) in enumerate(kinds):
        times = [getattr(row, name) for row in study.rows]
        bars = _bars([median(each) for each in times], [(min(each), max(each)) for each in times])
        look = {**_look(Shape(place, 0, label)), "mode": "markers"}
        figure.add_scatter(x=counts, y=[median(each) for each in times], error_y=bars, **look)
        line = {"color": COLOURS[place], "width": 1, "dash": "dot"}
        ys = [fitted.seconds(each) for each in curve]
        figure.add_scatter(x=curve, y=ys, mode="lines", line=line, hoverinfo="skip", showlegend=False)
    figure.update_xaxes(tickvals=counts, tickformat=",", rangemode="tozero")
    figure.update_yaxes(rangemode="tozero")
    figure.update_layout(height=352)
    name_origin(
        figure, f"{'Recorded' if study.is_recorded else 'Measured'} {study.date[:10]}: {study.machine}"
    )
    return figure


def curves_of(comparison: Comparison) -> Iterator[tuple[Shape, list[Measure]]]:
    """Yield each backend and number of endpoints that has numbers, with its measures by size."""
    known = [each for each in comparison.measures if each.skipped is None]
    counts = sorted({each.endpoints for each in known}, reverse=True)
    backends = list(dict.fromkeys(each.backend for each in known))
    for (place, backend), (kind, count) in product(enumerate(backends), enumerate(counts)):
        own = [each for each in known if (each.backend, each.endpoints) == (backend, count)]
        if own:
            name = backend if len(counts) == 1 else f"{backend}, {count} endpoint{'s' if count > 1 else ''}"
            yield Shape(place, kind, name), sorted(own, key=lambda each: each.services)


def _net_latency(measures: Sequence[Measure]) -> tuple[list[float], dict[str, Any]]:
    net = [each.net_latency("last") for each in measures]
    direct = [each.latency["direct"].p50 for each in measures]
    last = [each.latency["last"] for each in measures]
    spread = [(each.low - base, each.high - base) for each, base in zip(last, direct, strict=True)]
    return net, _bars(net, spread)


def _times(measures: Sequence[Measure]) -> Iterator[tuple[list[float], dict[str, Any]]]:
    for name in ("full_s", "add_s"):
        values = [float(getattr(each, name)) for each in measures]
        yield (
            values,
            _bars(values, [each.spread.get(name, (v, v)) for each, v in zip(measures, values, strict=True)]),
        )


def _bars(values: Sequence[float], spread: Sequence[tuple[float, float]]) -> dict[str, Any]:
    above = [max(0.0, high - value) for value, (_, high) in zip(values, spread, strict=True)]
    below = [max(0.0, value - low) for value, (low, _) in zip(values, spread, strict=True)]
    return {
        "type": "data",
        "symmetric": False,
        "array": above,
        "arrayminus": below,
        "thickness": 1,
        "width": 3,
    }


def _look(shape: Shape) -> dict[str, Any]:
    colour = COLOURS[shape.place % len(COLOURS)]
    return {
        "name": shape.name,
        "mode": "lines+markers",
        "line": {"color": colour, "dash": DASHES[shape.kind % len(DASHES)]},
        "marker": {"color": colour, "symbol": SYMBOLS[shape.place % len(SYMBOLS)], "size": 8},
    }


def _add_percentiles(figure: go.Figure, shape: Shape, latencies: Sequence[tuple[str, Any]]) -> None:
    """Add a box for each position."""
    figure.add_box(
        x=[position for position, _ in latencies],
        lowerfence=[each.p01 for _, each in latencies],
        q1=[each.p01 for _, each in latencies],
        median=[each.p50 for _, each in latencies],
        q3=[each.p90 for _, each in latencies],
        upperfence=[each.p99 for _, each in latencies],
        name=shape.name,
        marker={"color": COLOURS[shape.place % len(COLOURS)]},
    )


def _origin(comparison: Comparison) -> str:
    where = comparison.environment
    kind = "Recorded" if comparison.is_recorded else "Measured"
    return f"{kind} {where.date[:10]}: {where.machine}, as {where.privileges}"
