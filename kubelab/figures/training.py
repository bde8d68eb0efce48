"""Figures of training jobs: loss, throughput, any metric, and several runs beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kubelab.figures.curves import Curve, curves_of
from kubelab.figures.style import COLOURS, DASHES, SYMBOLS, new_figure

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def loss_figure(metrics: pd.DataFrame) -> go.Figure:
    """Return the loss over steps, a line for each rank and attempt.

    Parameters
    ----------
    metrics : DataFrame
        As `kubelab.training.TrainJob.metrics` returns it.
    """
    return metric_figure(metrics, "loss")


def throughput_figure(metrics: pd.DataFrame) -> go.Figure:
    """Return the steps per second over steps."""
    figure = metric_figure(metrics, "steps_per_second")
    figure.update_yaxes(title="steps per second", rangemode="tozero")
    return figure


def metric_figure(metrics: pd.DataFrame, name: str) -> go.Figure:
    """Return one metric over steps, a line for each rank and attempt."""
    figure = new_figure(x="step", y=name)
    for curve in curves_of(metrics, name):
        again = f", attempt {curve.attempt + 1}" if curve.attempt else ""
        figure.add_scatter(**_line(curve, f"rank {curve.rank}{again}", curve.rank, dash=curve.attempt))
    return figure


def comparison_figure(runs: Mapping[str, pd.DataFrame], name: str = "loss") -> go.Figure:
    """Return one metric of several runs, rank 0's where several ranks reported it.

    Parameters
    ----------
    runs : mapping of str to DataFrame
        Each run's metrics by its label, such as ``{"1 process": …, "2 processes": …}``.
    name : str
        Which metric.
    """
    figure = new_figure(x="step", y=name)
    for place, (label, metrics) in enumerate(runs.items()):
        curves = curves_of(metrics, name)
        first = min((curve.rank for curve in curves), default=0)
        for curve in curves:
            if curve.rank == first:
                figure.add_scatter(**_line(curve, label, place, dash=place))
    return figure


def _line(curve: Curve, label: str, place: int, *, dash: int) -> dict[str, Any]:
    return {
        "x": curve.steps,
        "y": curve.values,
        "name": label,
        "mode": "lines+markers",
        "line": {"color": COLOURS[place % len(COLOURS)], "dash": DASHES[dash % len(DASHES)], "width": 2},
        "marker": {"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 5},
    }
