"""Figures: each a pure function from data to a ``plotly.graph_objects.Figure``; no widgets, no I/O."""

from kubelab.figures.training import comparison_figure, loss_figure, metric_figure, throughput_figure

__all__ = ["comparison_figure", "loss_figure", "metric_figure", "throughput_figure"]
