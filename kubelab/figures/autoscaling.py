"""Figures of autoscaling: what policies cost over time, beside what nothing can go below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kubelab.figures.style import COLOURS, DASHES, new_figure

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

BOUND_COLOUR = "#555555"


def spending_figure(
    spending: Mapping[str, pd.DataFrame], *, bound: pd.DataFrame | None = None, prices_of: str = ""
) -> go.Figure:
    """Return what clusters cost an hour over time, a stepped line for each.

    Parameters
    ----------
    spending : mapping of str to DataFrame
        By label, such as an expander: `kubelab.costs.cost.Cost.over_time`'s time, node_group, usd_per_hour.
    bound : DataFrame, optional
        time and usd_per_hour of the least that could hold the same pods.
    prices_of : str
        The date of the prices; it stands in the axis' title.
    """
    figure = new_figure(x="time (UTC)", y="USD/h" + (f" (prices of {prices_of})" if prices_of else ""))
    for place, (label, frame) in enumerate(spending.items()):
        total = _total(frame)
        figure.add_scatter(
            x=total.index,
            y=total.to_numpy(),
            name=label,
            mode="lines",
            line={
                "shape": "hv",
                "width": 2,
                "color": COLOURS[place % len(COLOURS)],
                "dash": DASHES[place % len(DASHES)],
            },
        )
    if bound is not None and len(bound):
        figure.add_scatter(
            x=bound["time"],
            y=bound["usd_per_hour"],
            name="lower bound",
            mode="lines",
            line={"shape": "hv", "width": 1.5, "color": BOUND_COLOUR, "dash": "dot"},
        )
    figure.update_yaxes(rangemode="tozero")
    return figure


def policies_figure(costs: pd.DataFrame, *, prices_of: str = "") -> go.Figure:
    """Return what each policy cost in all, and how much of it was idle.

    Parameters
    ----------
    costs : DataFrame
        One row a policy: policy, total_usd, idle_usd, and lower_bound_usd if it is known.
    """
    figure = new_figure(x="USD" + (f" (prices of {prices_of})" if prices_of else ""), y="")
    used = costs["total_usd"] - costs["idle_usd"]
    for name, values, colour in (("used", used, COLOURS[0]), ("idle", costs["idle_usd"], COLOURS[4])):
        figure.add_bar(x=values, y=costs["policy"], name=name, orientation="h", marker={"color": colour})
    figure.update_layout(barmode="stack", height=120 + 40 * len(costs))
    if "lower_bound_usd" in costs:
        least = float(costs["lower_bound_usd"].max())
        figure.add_vline(
            x=least,
            line={"color": BOUND_COLOUR, "dash": "dot"},
            annotation={"text": "lower bound", "yanchor": "bottom", "y": 1.0},
        )
    return figure


def _total(frame: pd.DataFrame) -> pd.Series:
    """Return the sum over groups whenever it changed."""
    wide = frame.pivot_table(index="time", columns="node_group", values="usd_per_hour", aggfunc="last")
    return wide.ffill().fillna(0.0).sum(axis=1)
