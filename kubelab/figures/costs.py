"""Figures of costs: who paid what when, with idle on top, and what could be saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelab.figures.style import COLOURS, new_figure

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

IDLE_COLOUR = "#b8bec6"
OTHERS = "others"


def costs_figure(frame: pd.DataFrame, by: str, *, prices_of: str = "", most: int = 6) -> go.Figure:
    """Return what each group cost in each step, stacked, the dearest below and what is idle on top.

    Parameters
    ----------
    frame : DataFrame
        `kubelab.costs.allocations.Allocations.frame`'s, of one ``aggregate``.
    by : str
        Its column that names groups.
    prices_of : str
        The date of the prices; it stands in the axis' title.
    most : int
        Groups beyond the dearest so many are one.
    """
    figure = new_figure(x="time (UTC)", y="USD" + (f" (prices of {prices_of})" if prices_of else ""))
    idle = frame[by].str.endswith("__idle__")
    dearest = frame[~idle].groupby(by)["total_usd"].sum().sort_values(ascending=False).index
    names = frame[by].where(frame[by].isin(dearest[:most]) | idle, OTHERS).mask(idle, "idle")
    wide = frame.assign(who=names).pivot_table(
        index="start", columns="who", values="total_usd", aggfunc="sum", fill_value=0.0
    )
    order = [*dearest[:most], *([OTHERS] if OTHERS in wide else []), *(["idle"] if "idle" in wide else [])]
    for place, name in enumerate(order):
        colour = IDLE_COLOUR if name == "idle" else COLOURS[place % len(COLOURS)]
        figure.add_bar(x=wide.index, y=wide[name], name=name, marker={"color": colour})
    figure.update_layout(barmode="stack", bargap=0.05)
    return figure


def treemap_figure(frame: pd.DataFrame, by: str) -> go.Figure:
    """Return what each group cost in all, as areas.

    Parameters
    ----------
    frame, by
        As in `costs_figure`.
    """
    import plotly.graph_objects as go

    sums = frame.groupby(by)["total_usd"].sum().sort_values(ascending=False)
    colours = [
        IDLE_COLOUR if name.endswith("__idle__") else COLOURS[place % len(COLOURS)]
        for place, name in enumerate(sums.index)
    ]
    figure = go.Figure(
        go.Treemap(
            labels=[name.replace("__idle__", "idle") for name in sums.index],
            parents=[""] * len(sums),
            values=sums.to_numpy(),
            marker={"colors": colours},
            texttemplate="%{label}<br>%{value:.2f} USD",
        )
    )
    figure.update_layout(height=320, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure
