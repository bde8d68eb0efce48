"""Figures of sweeps: every trial's curve, the best so far, which values were chosen, and what mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kubelab.figures.style import COLOURS, new_figure

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

DIMMED = 0.25
"""How visible a trial is that was stopped or failed."""


def sweep_figure(curves: pd.DataFrame, trials: pd.DataFrame, name: str) -> go.Figure:
    """Return one metric of all trials over steps; those that were stopped are dimmed.

    Parameters
    ----------
    curves, trials : DataFrame
        As `kubelab.sweeps.Sweep.curves` and `kubelab.sweeps.Sweep.trials` return them.
    name : str
        Which metric.
    """
    figure = new_figure(x="step", y=name)
    chosen = curves[curves["name"] == name]
    for number, part in chosen.groupby("trial"):
        state = str(trials.loc[number, "state"])
        figure.add_scatter(
            x=[int(step) for step in part["step"]],
            y=[float(value) for value in part["value"]],
            mode="lines+markers" if len(part) == 1 else "lines",
            name=f"trial {number}",
            line={"color": COLOURS[int(number) % len(COLOURS)]},
            opacity=1.0 if state in {"Running", "Succeeded"} else DIMMED,
            hovertemplate=f"trial {number} ({state})<br>step %{{x}}: %{{y:.4g}}<extra></extra>",
        )
    figure.update_layout(showlegend=False)
    return figure


def history_figure(trials: pd.DataFrame, objective: str, *, maximize: bool = False) -> go.Figure:
    """Return the objective of each trial, and the best so far.

    Parameters
    ----------
    trials : DataFrame
        As `kubelab.sweeps.Sweep.trials` returns it.
    objective : str
        Its column.
    maximize : bool
        Whether more is better.
    """
    figure = new_figure(x="trial", y=objective)
    known = trials[trials[objective].notna()]
    best = known[objective].cummax() if maximize else known[objective].cummin()
    figure.add_scatter(
        x=list(known.index),
        y=list(known[objective]),
        mode="markers",
        name="trial",
        marker={"color": COLOURS[5]},
    )
    figure.add_scatter(
        x=list(known.index),
        y=list(best),
        mode="lines",
        name="best so far",
        line={"color": COLOURS[1], "shape": "hv"},
    )
    return figure


def parallel_coordinates_figure(
    trials: pd.DataFrame,
    parameters: Sequence[str],
    objective: str,
    *,
    logarithmic: Sequence[str] = (),
    maximize: bool = False,
) -> go.Figure:
    """Return a line for each trial through its parameters and its objective.

    Parameters
    ----------
    trials : DataFrame
        As `kubelab.sweeps.Sweep.trials` returns it; trials without a value are left out.
    parameters : sequence of str
        Which columns.
    objective : str
        The column that gives a line its colour.
    logarithmic : sequence of str
        Parameters whose orders of magnitude count.
    maximize : bool
        Whether more is better: the better a trial, the darker its line.
    """
    import plotly.graph_objects as go

    known = trials[trials[objective].notna()]
    axes = [_axis(name, known[name], logarithmic=name in logarithmic) for name in parameters]
    axes.append({"label": objective, "values": list(known[objective])})
    figure = go.Figure(
        go.Parcoords(
            dimensions=axes,
            line={
                "color": list(known[objective]),
                "colorscale": "Viridis",
                "reversescale": maximize,
                "showscale": True,
            },
        )
    )
    figure.update_layout(template="plotly_white", height=320, margin={"l": 64, "r": 32, "t": 48, "b": 24})
    return figure


def importance_figure(importances: Mapping[str, float]) -> go.Figure:
    """Return how much each parameter mattered, as shares of one.

    Parameters
    ----------
    importances : mapping of str to float
        As `kubelab.tuning.importances` returns them.
    """
    figure = new_figure(x="share of what decides between good and bad trials", y="")
    ordered = sorted(importances.items(), key=lambda item: item[1])
    figure.add_bar(
        x=[share for _, share in ordered],
        y=[name for name, _ in ordered],
        orientation="h",
        marker={"color": COLOURS[0]},
        text=[f"{share:.0%}" for _, share in ordered],
    )
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_layout(height=max(160, 60 + 36 * len(ordered)))
    return figure


def _axis(name: str, column: pd.Series[Any], *, logarithmic: bool) -> dict[str, Any]:
    """Return one axis: numbers as they are or by their logarithm, anything else by its place in a list."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    if column.dtype != bool and numbers.notna().sum() == column.notna().sum() and numbers.notna().all():
        return _logarithmic(name, numbers) if logarithmic else {"label": name, "values": list(numbers)}
    texts = [("none" if _is_missing(value) else str(value)) for value in column]
    listed = sorted(set(texts))
    return {
        "label": name,
        "values": [listed.index(text) for text in texts],
        "tickvals": list(range(len(listed))),
        "ticktext": listed,
    }


def _logarithmic(name: str, numbers: pd.Series[Any]) -> dict[str, Any]:
    import math

    logs = [math.log10(number) for number in numbers]
    powers = list(range(math.floor(min(logs, default=0)), math.ceil(max(logs, default=0)) + 1))
    return {
        "label": name,
        "values": logs,
        "range": [min(logs, default=0), max(logs, default=1)],
        "tickvals": powers,
        "ticktext": [f"{10.0**power:g}" for power in powers],
    }


def _is_missing(value: Any) -> bool:
    return value is None or value != value  # noqa: PLR0124 - NaN is not itself
