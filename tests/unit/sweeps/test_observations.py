import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.engine.controllers.katib.histories import history_object
from kubelab.sweeps.observations import KEY, dump, load, thin
from kubelab.tuning import Report
from tests.unit.engine.controllers.sweeps import trial


def test_a_history_belongs_to_its_trial_and_is_found_by_its_experiment() -> None:
    of = trial("sweep-aaaaaaaa")
    made = history_object(of, dump({"loss": [Report(1, 0.5, 7.5)]}))
    meta = made["metadata"]
    assert meta["name"] == "sweep-aaaaaaaa-observations"
    assert meta["labels"] == {
        "katib.kubeflow.org/experiment": "sweep",
        "katib.kubeflow.org/trial": "sweep-aaaaaaaa",
    }
    assert meta["ownerReferences"][0]["uid"] == of["metadata"]["uid"]
    assert made["data"] == {KEY: '{"loss":[[1,0.5,7.5]]}'}


def test_values_that_are_no_numbers_are_kept_as_texts() -> None:
    reports = {"loss": [Report(1, math.nan, None), Report(2, math.inf, 1.0), Report(3, -math.inf, 2.0)]}
    text = dump(reports)
    assert text == '{"loss":[[1,"nan",null],[2,"inf",1.0],[3,"-inf",2.0]]}'
    read = load({"data": {KEY: text}})["loss"]
    assert math.isnan(read[0].value)
    assert [report.value for report in read[1:]] == [math.inf, -math.inf]


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"loss": 1}'])
def test_what_is_no_history_holds_nothing(text: str) -> None:
    assert load({"data": {KEY: text}}) == {}
    assert load({}) == {}


def test_entries_that_are_no_reports_are_left_out() -> None:
    assert load({"data": {KEY: '{"loss": [[1, 2], ["a", 1], 3, [2, "x"], [3, 4, 5]]}'}}) == {
        "loss": (Report(1, 2.0), Report(3, 4.0, 5.0))
    }


VALUES = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=400)


@given(VALUES, st.integers(8, 100))
def test_thinning_keeps_the_first_the_last_the_least_and_the_greatest(values: list[float], most: int) -> None:
    reports = [Report(step, value) for step, value in enumerate(values)]
    kept = thin(reports, most)
    assert len(kept) <= most
    assert [report.step for report in kept] == sorted(report.step for report in kept)
    if reports:
        assert (kept[0], kept[-1]) == (reports[0], reports[-1])
    numbers = [value for value in values if not math.isnan(value)]
    if numbers:
        left = [report.value for report in kept if not math.isnan(report.value)]
        assert (min(left), max(left)) == (min(numbers), max(numbers))
    if len(reports) <= most:
        assert list(kept) == reports


@given(st.integers(1, 400), st.integers(16, 100), st.sets(st.integers(0, 399), max_size=4))
def test_thinning_keeps_what_is_asked_for(count: int, most: int, wanted: set[int]) -> None:
    reports = [Report(step, math.sin(step)) for step in range(count)]
    keep = [report for report in reports if report.step in wanted]
    kept = thin(reports, most, keep)
    assert len(kept) <= most
    assert set(keep) <= set(kept)


@pytest.mark.parametrize("most", [8, 9, 20, 21])
def test_less_than_half_is_kept_on_request(most: int) -> None:
    reports = [Report(step, 1.0) for step in range(100)]
    assert len(thin(reports, most, reports)) <= most


def test_a_long_run_fits_into_a_config_map() -> None:
    reports = [Report(step, math.sin(step), 1795635696.665668 + step) for step in range(100_000)]
    text = dump({"loss": reports})
    assert len(text) < 100_000
    assert len(load({"data": {KEY: text}})["loss"]) <= 2000
