from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from kubelab.figures import (
    history_figure,
    importance_figure,
    parallel_coordinates_figure,
    sweep_figure,
)
from kubelab.figures.sweeps import DIMMED

TRIALS = pd.DataFrame(
    {
        "state": ["Succeeded", "EarlyStopped", "Running", "Failed"],
        "loss": [2.0, 3.0, 1.0, math.nan],
        "lr": [0.01, 0.1, 0.001, 0.5],
        "kind": ["plain", "momentum", None, "plain"],
        "nesterov": [True, False, True, True],
    },
    index=pd.Index([0, 1, 2, 3], name="number"),
)
CURVES = pd.DataFrame(
    [
        (0, 1, "loss", 4.0),
        (0, 2, "loss", 2.0),
        (1, 1, "loss", 3.0),
        (2, 1, "loss", 1.0),
        (0, 1, "accuracy", 0.5),
    ],
    columns=["trial", "step", "name", "value"],
)


def test_each_trial_is_a_line_of_the_metric_asked_for() -> None:
    lines = sweep_figure(CURVES, TRIALS, "loss").data
    assert [(line.name, line.x, line.y) for line in lines] == [
        ("trial 0", (1, 2), (4.0, 2.0)),
        ("trial 1", (1,), (3.0,)),
        ("trial 2", (1,), (1.0,)),
    ]


def test_trials_that_were_stopped_are_dimmed_and_a_single_report_is_still_seen() -> None:
    lines = sweep_figure(CURVES, TRIALS, "loss").data
    assert [line.opacity for line in lines] == [1.0, DIMMED, 1.0]
    assert [line.mode for line in lines] == ["lines", "lines+markers", "lines+markers"]


def test_a_metric_that_nobody_reported_has_no_lines() -> None:
    assert len(sweep_figure(CURVES, TRIALS, "speed").data) == 0


@pytest.mark.parametrize(("maximize", "best"), [(False, [2.0, 2.0, 1.0]), (True, [2.0, 3.0, 3.0])])
def test_the_best_so_far_only_gets_better(maximize: bool, best: list[float]) -> None:
    each, so_far = history_figure(TRIALS, "loss", maximize=maximize).data
    assert (list(each.x), list(each.y)) == ([0, 1, 2], [2.0, 3.0, 1.0])
    assert (list(so_far.x), list(so_far.y)) == ([0, 1, 2], best)
    assert so_far.line.shape == "hv"


def axes(**options: Any) -> dict[str, Any]:
    """The axes of parallel coordinates, by label."""
    (lines,) = parallel_coordinates_figure(TRIALS, ["lr", "kind", "nesterov"], "loss", **options).data
    return {axis.label: axis for axis in lines.dimensions}


def test_parallel_coordinates_have_an_axis_for_each_parameter_and_the_objective() -> None:
    found = axes()
    assert list(found) == ["lr", "kind", "nesterov", "loss"]
    assert list(found["lr"].values) == [0.01, 0.1, 0.001], "a trial without a loss is left out"
    assert list(found["loss"].values) == [2.0, 3.0, 1.0]


def test_words_and_truths_are_places_in_a_list_and_missing_values_are_named() -> None:
    kind, nesterov = axes()["kind"], axes()["nesterov"]
    assert kind.ticktext == ("momentum", "none", "plain")
    assert list(kind.values) == [2, 0, 1]
    assert nesterov.ticktext == ("False", "True")
    assert list(nesterov.values) == [1, 0, 1]


def test_a_logarithmic_axis_counts_orders_of_magnitude() -> None:
    lr = axes(logarithmic=["lr"])["lr"]
    assert list(lr.values) == pytest.approx([-2, -1, -3])
    assert lr.ticktext == ("0.001", "0.01", "0.1")
    assert list(lr.range) == pytest.approx([-3, -1])


@pytest.mark.parametrize("maximize", [False, True])
def test_the_better_a_trial_the_darker_its_line(maximize: bool) -> None:
    figure = parallel_coordinates_figure(TRIALS, ["lr"], "loss", maximize=maximize)
    line = figure.data[0].line
    assert line.colorscale[0] == (0.0, "#440154"), "Viridis begins dark"
    assert line.reversescale is maximize


def test_importances_are_bars_the_greatest_on_top() -> None:
    figure = importance_figure({"lr": 0.75, "kind": 0.05, "width": 0.2})
    (bars,) = figure.data
    assert bars.y == ("kind", "width", "lr"), "plotly draws from the bottom"
    assert bars.x == (0.05, 0.2, 0.75)
    assert bars.text == ("5%", "20%", "75%")
    assert tuple(figure.layout.xaxis.range) == (0, 1)


def test_figures_of_nothing_are_empty_and_not_errors() -> None:
    none = TRIALS.iloc[:0]
    assert len(sweep_figure(CURVES.iloc[:0], none, "loss").data) == 0
    assert list(history_figure(none, "loss").data[0].x) == []
    assert len(importance_figure({}).data[0].x or ()) == 0
    (lines,) = parallel_coordinates_figure(none, ["lr", "kind"], "loss", logarithmic=["lr"]).data
    assert len(lines.dimensions) == 3


def test_two_hundred_trials_are_small_enough_for_a_report() -> None:
    rows = [(trial, step, "loss", 1.0 / step) for trial in range(200) for step in range(1, 101)]
    curves = pd.DataFrame(rows, columns=["trial", "step", "name", "value"])
    trials = pd.DataFrame({"state": ["Succeeded"] * 200})
    assert len(sweep_figure(curves, trials, "loss").to_json()) < 1_000_000
