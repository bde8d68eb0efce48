"""Figures of name lookups: what leaves the pod for each, and latencies under load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelab.figures.style import COLOURS, DASHES, name_origin, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import plotly.graph_objects as go

WASTED_COLOUR = "#b8bec6"


def queries_figure(frame: pd.DataFrame, *, recorded: str = "") -> go.Figure:
    """Return the queries of each lookup as a bar: useful, asked in vain, and lost or asked again.

    Parameters
    ----------
    frame : DataFrame
        `kubelab.netlab.dns.Counts.frame`'s.
    recorded : str
        Where it was measured, if it was not measured here; it stands in the axis' title.
    """
    title = "queries per lookup" + (f" (recorded: {recorded})" if recorded else "")
    figure = new_figure(x=title, y="")
    rows = frame.iloc[::-1]
    parts = {
        "useful": (rows["queries"] - rows["wasted"] - rows["again"], {"color": COLOURS[0]}),
        "for names that do not exist": (
            rows["wasted"],
            {"color": WASTED_COLOUR, "pattern": {"shape": "/"}},
        ),
        "lost, or asked again": (rows["again"], {"color": COLOURS[1], "pattern": {"shape": "x"}}),
    }
    for name, (counts, marker) in parts.items():
        figure.add_bar(y=rows["what"], x=counts, orientation="h", name=name, marker=marker)
    figure.update_layout(
        barmode="stack",
        height=90 + 26 * len(rows),
        yaxis={"automargin": True},
        legend={"traceorder": "normal"},
    )
    return figure


def latencies_figure(latencies_s: Mapping[str, Sequence[float]], *, origin: str = "") -> go.Figure:
    """Return which share of lookups took at most how long, a line of some 100 points for each load.

    Parameters
    ----------
    latencies_s : mapping of str to sequence of float
        By label, sorted, in seconds.
    origin : str
        Where and when they were measured; it stands below.
    """
    figure = new_figure(x="latency (ms)", y="share of lookups")
    for place, (label, values) in enumerate(latencies_s.items()):
        shown = sorted({*range(0, len(values), max(1, len(values) // 100)), len(values) - 1})
        figure.add_scatter(
            x=[round(1000 * values[at], 3) for at in shown],
            y=[(at + 1) / len(values) for at in shown],
            name=label,
            mode="lines",
            line={"color": COLOURS[place % len(COLOURS)], "dash": DASHES[place % len(DASHES)], "shape": "hv"},
        )
    figure.update_xaxes(type="log")
    if origin:
        figure.update_layout(height=352)
        name_origin(figure, origin)
    return figure
