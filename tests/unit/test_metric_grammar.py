from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.metric_grammar import FilterError, MetricLine, compile_filters, read_json, read_text, seconds


def test_katibs_default_forms_are_read() -> None:
    line = (
        "2026-08-01T10:00:00.25Z epoch 1: loss=0.3 accuracy = .98, Score=-7.53e-05 Score=1E0 top-1|5=1.23E10"
    )
    assert read_text(line) == MetricLine(
        (
            ("loss", "0.3"),
            ("accuracy", ".98"),
            ("Score", "-7.53e-05"),
            ("Score", "1E0"),
            ("top-1|5", "1.23E10"),
        ),
        "2026-08-01T10:00:00.25Z",
    )


def test_a_number_that_is_none_is_read_and_a_word_is_not() -> None:
    assert read_text("loss=nan best=-inf mode=information name= sign=-").pairs == (
        ("loss", "nan"),
        ("best", "-inf"),
    )


def test_a_filter_of_ones_own_is_used_instead() -> None:
    filters = compile_filters(
        [r"'(train_loss)': ([0-9.]+)", r"{metricName: (\w+), metricValue: ((-?\d+)(\.\d+)?)}"]
    )
    assert read_text("{'train_loss': 0.8, 'x': 1} loss=3", filters).pairs == (("train_loss", "0.8"),)
    assert read_text("{metricName: accuracy, metricValue: -0.5}", filters).pairs == (("accuracy", "-0.5"),)


def test_a_filter_that_cannot_work_is_refused_with_a_remedy() -> None:
    with pytest.raises(
        FilterError, match=r"'\(loss' is no regular expression .* Write a regular expression whose"
    ):
        compile_filters(["(loss"])
    with pytest.raises(FilterError, match=r"has 1 groups where two are needed"):
        compile_filters([r"loss=(\d+)"])


def test_json_has_texts_as_values_and_says_which_are_not() -> None:
    line = (
        '{"loss": "0.25", "timestamp": "2026-08-01T10:00:00Z", "epoch": 3, "note": "warm", "acc": " 1e-1 "}'
    )
    assert read_json(line) == MetricLine(
        (("loss", "0.25"), ("acc", "1e-1")), "2026-08-01T10:00:00Z", ("epoch", "note")
    )


def test_json_may_say_its_time_in_seconds() -> None:
    assert read_json('{"timestamp": 1785578400.5, "loss": "1"}').time == "2026-08-01T10:00:00.500000Z"
    for strange in ("1e400", "true", '"yesterday"', "[]", '"2026-08-01T10:00:00"'):
        assert read_json(f'{{"timestamp": {strange}, "loss": "1"}}') == MetricLine((("loss", "1"),), "")


def test_what_is_no_json_object_says_nothing() -> None:
    for line in ("", "loss=0.5", "[1]", '"loss"', '{"loss": "0.5"', "[" * 100_000):
        assert read_json(line) == MetricLine()


def test_times_are_seconds_since_1970() -> None:
    assert seconds("1970-01-01T00:00:10.5Z") == 10.5
    assert seconds("1970-01-01T01:00:00.123456789+01:00") == pytest.approx(0.123456)
    assert seconds("1970-01-01T00:00:00") is None
    assert seconds("") is None


@given(st.text())
def test_no_line_is_too_strange(line: str) -> None:
    read_text(line)
    read_json(line)


@given(st.dictionaries(st.text(min_size=1).filter(lambda name: name != "timestamp"), st.floats()))
def test_every_number_comes_back_from_json(values: dict[str, float]) -> None:
    found = read_json(json.dumps({name: repr(value) for name, value in values.items()}))
    assert dict(found.pairs) == {name: repr(value) for name, value in values.items()}
