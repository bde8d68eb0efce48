from __future__ import annotations

import math

import pytest

from kubelab.metric_grammar import FilterError
from kubelab.tuning import Report
from kubelab.tuning.metric_lines import MetricReader, read_reports


def test_steps_come_from_the_line_or_are_counted() -> None:
    lines = ["loss=3 accuracy=0.1", "step=10 loss=2", "accuracy=0.5 loss=1", "step=nan loss=0.5"]
    found = read_reports(lines, ["loss", "accuracy"])
    assert [(report.step, report.value) for report in found["loss"]] == [(1, 3), (10, 2), (3, 1), (4, 0.5)]
    assert [(report.step, report.value) for report in found["accuracy"]] == [(1, 0.1), (2, 0.5)]


def test_only_the_metrics_that_are_wanted_are_kept_as_they_were_written() -> None:
    line = "1970-01-01T00:01:00Z step=5 loss=0.250 grad=7"
    assert read_reports([line], ["loss", "f1"]) == {"loss": (Report(5, 0.25, 60.0, "0.250"),), "f1": ()}


def test_json_lines_are_read_like_katib_does() -> None:
    lines = ['{"step": "3", "loss": "0.5", "timestamp": 60}', "torn {", '{"loss": "nan"}', '{"loss": 0.1}']
    (first, second) = read_reports(lines, ["loss"], "JSON")["loss"]
    assert first == Report(3, 0.5, 60.0, "0.5")
    assert (second.step, second.time) == (2, None)
    assert math.isnan(second.value)


def test_a_reader_gives_what_is_new_and_the_time_that_it_was_seen() -> None:
    reader = MetricReader(["loss"])
    assert reader.feed("starting", time=5.0) == []
    assert reader.feed("loss=2", time=6.0) == [("loss", Report(1, 2.0, 6.0, "2"))]
    assert reader.feed("1970-01-01T00:00:01Z loss=1", time=7.0) == [("loss", Report(2, 1.0, 1.0, "1"))]
    assert reader.reports == {"loss": [Report(1, 2.0, 6.0, "2"), Report(2, 1.0, 1.0, "1")]}


def test_why_an_objective_has_no_value_is_said_with_the_names_that_were_reported() -> None:
    reader = MetricReader(["loss"])
    assert reader.unavailable("loss") == (
        "loss was never reported, nor any other metric. Print lines such as loss=0.5."
    )
    reader.feed("step=1 train_loss=0.5 lr=0.1")
    assert reader.unavailable("loss") == "loss was never reported. These were: train_loss, lr."
    reader = MetricReader(["loss"], "JSON")
    reader.feed('{"loss": 0.5}')
    assert reader.unavailable("loss") == (
        'loss was written as JSON, but not as a text. Write its values in quotes: {"loss": "0.5"}.'
    )


def test_a_filter_that_cannot_work_is_refused() -> None:
    with pytest.raises(FilterError):
        MetricReader(["loss"], filters=["loss"])
