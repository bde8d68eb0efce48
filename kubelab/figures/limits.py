"""Figures of a cluster's limits: latencies beside what Kubernetes promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelab.figures.style import COLOURS, new_figure

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_COLOUR = {"kept": COLOURS[2], "missed": COLOURS[1], "no objective": COLOURS[0], "not measured": "#555555"}
_SYMBOL = {"kept": "circle", "missed": "x", "no objective": "diamond", "not measured": "circle-open"}
_LIMIT_COLOUR = "#555555"


def limits_figure(findings: pd.DataFrame) -> go.Figure:
    """Return latencies from p50 to p99, and a tick where each objective ends, on a logarithmic scale.

    What never happened has no point; its name says so.

    Parameters
    ----------
    findings : DataFrame
        As `kubelab.limits.limits.Limits.frame` has them.
    """
    figure = new_figure(x="seconds (line: p50 to p99; tick: objective)", y="")
    labels = [_label(row) for row in findings.to_dict("records")]
    for held, rows in findings.assign(label=labels).groupby("held", sort=False):
        figure.add_scatter(
            x=rows["p99_s"],
            y=rows["label"],
            name=f"p99, {held}",
            mode="markers",
            marker={"size": 10, "color": _COLOUR[str(held)], "symbol": _SYMBOL[str(held)]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [0.0] * len(rows),
                "arrayminus": (rows["p99_s"] - rows["p50_s"]).fillna(0.0),
                "width": 0,
            },
        )
    promised = findings.assign(label=labels).dropna(subset=["limit_s"])
    figure.add_scatter(
        x=promised["limit_s"],
        y=promised["label"],
        name="objective",
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 18, "color": _LIMIT_COLOUR, "line": {"width": 3}},
    )
    figure.update_xaxes(type="log", exponentformat="power")
    figure.update_yaxes(categoryorder="array", categoryarray=labels[::-1], automargin=True)
    figure.update_layout(height=140 + 28 * len(findings))
    return figure


def _label(row: dict[str, object]) -> str:
    name = f"{row['objective']}, {row['subject']}" if row["subject"] else f"{row['objective']}"
    return f"{name} (never)" if row["p99_s"] == float("inf") else name
