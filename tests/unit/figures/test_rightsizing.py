"""Rightsizing's figures: numbers in, the same numbers drawn."""

from __future__ import annotations

import pandas as pd

from kubelab.figures import frontier_figure, requests_figure

FRONTIER = pd.DataFrame(
    [("lean", 0.2, 0.15, True), ("safe", 0.5, 0.01, True), ("max", 0.6, 0.05, False)],
    columns=["strategy", "slack", "overrun", "efficient"],
)


def test_the_line_goes_through_those_that_none_beats() -> None:
    line, best, beaten = frontier_figure(FRONTIER).data
    assert list(line.x) == [1.0, 15.0]
    assert list(best.text) == ["lean", "safe"]
    assert list(beaten.text) == ["max"]
    assert list(beaten.y) == [60.0]


def test_requests_are_steps_beside_the_use() -> None:
    times = pd.date_range("2026-01-01", periods=3, freq="h", tz="UTC")
    use = pd.Series([0.1, 0.2, 0.3], index=times)
    figure = requests_figure(use, {"peak": pd.Series([0.5, 0.5, 0.4], index=times)}, unit="cores")
    assert [trace.name for trace in figure.data] == ["use", "peak"]
    assert figure.data[1].line.shape == "hv"
    assert list(figure.data[1].y) == [0.5, 0.5, 0.4]
    assert figure.layout.yaxis.title.text == "cores"
