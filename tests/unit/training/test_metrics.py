from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from kubelab.training.metrics import Metric, metrics_frame, parse_metrics

LINE = "2026-08-01T10:00:00.250000Z step=10 loss=0.5 accuracy=0.9"


def values(line: str) -> dict[str, float]:
    return {metric.name: metric.value for metric in parse_metrics([line])}


def test_a_reported_line_gives_one_row_for_each_number() -> None:
    assert parse_metrics([LINE], rank=1) == [
        Metric(10, 1, "loss", 0.5, "2026-08-01T10:00:00.250000Z", 0),
        Metric(10, 1, "accuracy", 0.9, "2026-08-01T10:00:00.250000Z", 0),
    ]


def test_katibs_forms_are_read() -> None:
    assert values("epoch 1: loss = 1e-3, acc|top-1=+.5 lr=-2.5E+2") == {
        "loss": 1e-3,
        "acc|top-1": 0.5,
        "lr": -250.0,
    }


def test_a_line_without_a_number_gives_nothing() -> None:
    for line in ("", "plain words", "mode=information", "name=", "sign=- exponent=e5", "== x ==", "rv == 0"):
        assert parse_metrics([line]) == [], line


def test_a_traceback_has_no_metrics() -> None:
    for line in (
        "    loss = 1 / denominator",
        "ValueError: loss=3 is too much",
        "numpy.exceptions.AxisError: axis=2",
    ):
        assert parse_metrics([line]) == [], line
    assert values("MeanError=0.5") == {"MeanError": 0.5}


def test_a_step_that_is_no_number_is_none() -> None:
    for step in ("nan", "1e400", "-inf"):
        (metric,) = parse_metrics([f"step={step} attempt={step} loss=3"])
        assert (metric.step, metric.attempt, metric.value) == (None, 0, 3.0)


def test_a_loss_that_left_the_numbers_is_kept() -> None:
    found = values("loss=nan best=-inf other=inf")
    assert math.isnan(found["loss"])
    assert (found["best"], found["other"]) == (-math.inf, math.inf)


def test_a_line_that_is_repeated_after_a_restart_counts_once() -> None:
    again = LINE + " attempt=1"
    found = parse_metrics([LINE, LINE, again])
    assert [(metric.name, metric.attempt) for metric in found] == [
        ("loss", 0),
        ("accuracy", 0),
        ("loss", 1),
        ("accuracy", 1),
    ]


def test_the_frame_has_types_also_when_it_is_empty() -> None:
    frame = metrics_frame([])
    assert list(frame.columns) == ["step", "rank", "name", "value", "time", "attempt"]
    assert len(frame) == 0
    full = metrics_frame(parse_metrics([LINE, "2026-08-01T09:00:00Z final=1"]))
    assert full["name"].tolist() == ["final", "loss", "accuracy"]
    assert str(full["time"].dtype).startswith("datetime64")
    assert full["step"].isna().tolist() == [True, False, False]


@given(st.lists(st.text()))
def test_no_log_is_too_strange(lines: list[str]) -> None:
    parse_metrics(lines)


@given(st.floats(allow_nan=False), st.integers(0, 10**9))
def test_every_number_comes_back(value: float, step: int) -> None:
    (metric,) = parse_metrics([f"step={step} loss={value!r}"])
    assert (metric.step, metric.value) == (step, value)
