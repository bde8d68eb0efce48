"""Figures: each a pure function from data to a ``plotly.graph_objects.Figure``; no widgets, no I/O."""

from kubelab.figures.autoscaling import policies_figure, spending_figure
from kubelab.figures.costs import costs_figure, treemap_figure
from kubelab.figures.limits import limits_figure
from kubelab.figures.netlab import latency_figure, maps_figure, proxy_figure
from kubelab.figures.rightsizing import frontier_figure, intervals_figure, requests_figure
from kubelab.figures.sweeps import (
    history_figure,
    importance_figure,
    parallel_coordinates_figure,
    sweep_figure,
)
from kubelab.figures.training import comparison_figure, loss_figure, metric_figure, throughput_figure

__all__ = [
    "comparison_figure",
    "costs_figure",
    "frontier_figure",
    "history_figure",
    "importance_figure",
    "intervals_figure",
    "latency_figure",
    "limits_figure",
    "loss_figure",
    "maps_figure",
    "metric_figure",
    "parallel_coordinates_figure",
    "policies_figure",
    "proxy_figure",
    "requests_figure",
    "spending_figure",
    "sweep_figure",
    "throughput_figure",
    "treemap_figure",
]
