import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.engine.katib.db_manager.log import Entry, LogError, appended, selected
from kubelab.tuning import Report

AT = "2026-01-31T12:00:0{}Z"


def test_reports_are_counted_for_each_metric() -> None:
    first = appended({}, [Entry(AT.format(1), "loss", "0.5"), Entry(AT.format(1), "accuracy", "0.1")])
    second = appended(first, [Entry(AT.format(2), "loss", "0.25")])
    assert [(each.step, each.value) for each in second["loss"]] == [(1, 0.5), (2, 0.25)]
    assert [(each.step, each.value) for each in second["accuracy"]] == [(1, 0.1)]


def test_a_step_in_the_same_call_is_the_others_step() -> None:
    entries = [Entry(AT.format(1), "loss", "0.5"), Entry(AT.format(1), "step", "100")]
    assert appended({}, entries)["loss"][0].step == 100


def test_entries_without_a_time_are_dropped_as_by_katib() -> None:
    assert appended({}, [Entry("", "loss", "0.5")]) == {}


def test_values_that_left_the_numbers_are_kept() -> None:
    assert math.isnan(appended({}, [Entry(AT.format(1), "loss", "nan")])["loss"][0].value)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Entry(AT.format(1), "loss", "much"), "'much' of loss is no number"),
        (Entry("yesterday", "loss", "1"), "'yesterday' is no RFC 3339 time"),
    ],
)
def test_what_is_no_report_is_refused(entry: Entry, said: str) -> None:
    with pytest.raises(LogError, match=said):
        appended({}, [entry])


REPORTS = {
    "loss": (Report(1, 0.5, 10.0), Report(2, 0.25, 30.0)),
    "accuracy": (Report(1, 0.75, 20.0),),
}
T10, T20, T30 = (f"1970-01-01T00:00:{second}Z" for second in (10, 20, 30))


def test_all_metrics_come_in_the_order_of_time() -> None:
    assert selected(REPORTS) == [
        Entry(T10, "loss", "0.5"),
        Entry(T20, "accuracy", "0.75"),
        Entry(T30, "loss", "0.25"),
    ]


def test_a_metric_and_a_span_of_time_are_selected_both_ends_included() -> None:
    assert [each.time for each in selected(REPORTS, metric="loss")] == [T10, T30]
    assert [each.time for each in selected(REPORTS, start=T20)] == [T20, T30]
    assert [each.time for each in selected(REPORTS, start=T10, end=T20)] == [T10, T20]
    with pytest.raises(LogError, match="'soon' is no RFC 3339 time"):
        selected(REPORTS, end="soon")


@given(st.lists(st.floats(), max_size=8))
def test_what_is_reported_is_read_back(values: list[float]) -> None:
    reports: dict[str, tuple[Report, ...]] = {}
    for second, value in enumerate(values):
        reports = appended(reports, [Entry(AT.format(second), "loss", str(value))])
    read = [float(each.value) for each in selected(reports)]
    assert [str(each) for each in read] == [str(each) for each in values]
