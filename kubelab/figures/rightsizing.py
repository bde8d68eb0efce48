"""Figures of rightsizing: what strategies waste against how often they fall short; requests beside use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kubelab.figures.style import COLOURS, DASHES, new_figure

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_USE_COLOUR = "#777777"


def frontier_figure(frontier: pd.DataFrame) -> go.Figure:
    """Return a point for each strategy, and a line through those that none beats in both.

    Parameters
    ----------
    frontier : DataFrame
        As `kubelab.rightsizing.backtest.frontier` returns it.
    """
    figure = new_figure(x="time above the request (%)", y="request not used (%)")
    best = frontier[frontier["efficient"]].sort_values("overrun")
    figure.add_scatter(
        x=list(best["overrun"] * 100),
        y=list(best["slack"] * 100),
        mode="lines",
        line={"color": COLOURS[2], "shape": "linear", "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )
    for is_best, colour, symbol in ((True, COLOURS[2], "circle"), (False, COLOURS[1], "x")):
        part = frontier[frontier["efficient"] == is_best]
        figure.add_scatter(
            x=list(part["overrun"] * 100),
            y=list(part["slack"] * 100),
            text=list(part["strategy"]),
            mode="markers+text",
            textposition="top center",
            marker={"color": colour, "symbol": symbol, "size": 9},
            name="none is better in both" if is_best else "another is better in both",
            hovertemplate="%{text}<br>%{x:.1f} % of the time above<br>%{y:.1f} % not used<extra></extra>",
        )
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(rangemode="tozero")
    figure.update_layout(height=420)
    return figure


def requests_figure(use: pd.Series, requests: Mapping[str, pd.Series], *, unit: str) -> go.Figure:
    """Return what was used over time, and requests as stepped lines.

    Parameters
    ----------
    use : Series
        By time.
    requests : mapping of str to Series
        By label, such as a strategy's name; each by time.
    unit : str
        Of all of them, such as ``cores``.
    """
    figure = new_figure(x="time (UTC)", y=unit)
    figure.add_scatter(
        x=use.index, y=use.to_numpy(), name="use", mode="lines", line={"color": _USE_COLOUR, "width": 1}
    )
    for place, (label, values) in enumerate(requests.items()):
        line = {
            "shape": "hv",
            "color": COLOURS[place % len(COLOURS)],
            "dash": DASHES[place % len(DASHES)],
        }
        figure.add_scatter(x=values.index, y=values.to_numpy(), name=label, mode="lines", line=line)
    figure.update_yaxes(rangemode="tozero")
    return figure
