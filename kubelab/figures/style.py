"""What all figures share: colours that colour-blind readers tell apart, shapes beside them, quiet axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's palette (jfly.uni-koeln.de/color), without black and yellow."""
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross")


def new_figure(*, x: str, y: str) -> go.Figure:
    """Return an empty figure with axes of these titles."""
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.update_layout(
        template="plotly_white",
        height=320,
        margin={"l": 56, "r": 16, "t": 16, "b": 44},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={"title": x},
        yaxis={"title": y},
    )
    return figure


def name_origin(figure: go.Figure, origin: str) -> None:
    """Say below a figure where and when its numbers were measured."""
    figure.add_annotation(
        text=origin,
        xref="paper",
        yref="paper",
        x=0,
        y=0,
        yanchor="top",
        yshift=-52,
        showarrow=False,
        font={"size": 11, "color": "#777777"},
    )
    figure.update_layout(margin={"b": 76})
