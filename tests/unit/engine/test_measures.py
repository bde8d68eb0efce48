import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from kubelab.engine.measures import Measures, exponential
from kubelab.engine.own_process import measure_process


def samples(measures: Measures) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return every number in the text, by its name and the values of its labels."""
    families = text_string_to_metric_families(measures.text())
    found = [sample for family in families for sample in family.samples]
    return {(sample.name, tuple(sample.labels.values())): sample.value for sample in found}


def test_counters_are_told_by_their_labels() -> None:
    measures = Measures()
    calls = measures.counters("calls_total", "Calls.", ("verb", "code"))
    calls.of("GET", "200").value += 2
    calls.of("GET", "404").value += 1
    assert samples(measures) == {("calls_total", ("GET", "200")): 2, ("calls_total", ("GET", "404")): 1}


def test_a_family_has_its_help_and_type_once_and_families_come_by_name() -> None:
    measures = Measures()
    for name in ("b_total", "a_total"):
        family = measures.counters(name, "Back\\slash\nand line.", ("of",))
        family.of("x").value += 1
        family.of("y").value += 1
    assert measures.text().splitlines() == [
        "# HELP a_total Back\\\\slash\\nand line.",
        "# TYPE a_total counter",
        'a_total{of="x"} 1',
        'a_total{of="y"} 1',
        "# HELP b_total Back\\\\slash\\nand line.",
        "# TYPE b_total counter",
        'b_total{of="x"} 1',
        'b_total{of="y"} 1',
    ]


def test_a_family_asked_for_again_is_the_same() -> None:
    measures = Measures()
    measures.counters("adds_total", "Adds.", ("name",)).of("one").value += 1
    measures.counters("adds_total", "Adds.", ("name",)).of("two").value += 1
    assert samples(measures) == {("adds_total", ("one",)): 1, ("adds_total", ("two",)): 1}


def test_a_family_without_a_number_is_left_out() -> None:
    measures = Measures()
    measures.counters("calls_total", "Calls.", ("verb",))
    measures.read("gauge", "depth", "Depth.", ("name",), list)
    assert measures.text() == ""


def test_a_reading_is_taken_when_it_is_asked_for() -> None:
    measures, depth = Measures(), [1.5]
    measures.read("gauge", "depth", "Depth.", ("name",), lambda: [(("q",), depth[0])])
    assert samples(measures) == {("depth", ("q",)): 1.5}
    depth[0] = 3
    assert samples(measures) == {("depth", ("q",)): 3}


def test_an_observation_at_a_bound_is_inside_it() -> None:
    measures = Measures()
    seconds = measures.histograms("took_seconds", "Took.", (0.5, 1.0)).of()
    for value in (0.5, 0.75, 2.0):
        seconds.observe(value)
    assert samples(measures) == {
        ("took_seconds_bucket", ("0.5",)): 1,
        ("took_seconds_bucket", ("1",)): 2,
        ("took_seconds_bucket", ("+Inf",)): 3,
        ("took_seconds_sum", ()): 3.25,
        ("took_seconds_count", ()): 3,
    }


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="give one for each"):
        Measures().counters("calls_total", "Calls.", ("verb",)).of("GET", "200")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r")))
def test_any_text_can_be_a_label(text: str) -> None:
    measures = Measures()
    measures.counters("calls_total", "Calls.", ("path",)).of(text).value += 1
    assert samples(measures) == {("calls_total", (text,)): 1}


@given(st.lists(st.floats(0, 100)))
def test_buckets_agree_with_the_observations(values: list[float]) -> None:
    measures, bounds = Measures(), exponential(0.01, 4, 6)
    seconds = measures.histograms("took_seconds", "Took.", bounds).of()
    for value in values:
        seconds.observe(value)
    found = samples(measures)
    for bound in (*bounds, math.inf):
        told = [number for (name, labels), number in found.items() if labels and float(labels[0]) == bound]
        assert told == [sum(value <= bound for value in values)]
    assert found["took_seconds_sum", ()] == pytest.approx(sum(values))


def test_the_process_tells_what_it_uses() -> None:
    measures = Measures()
    measure_process(measures)
    before = samples(measures)
    assert before["process_resident_memory_bytes", ()] > 1_000_000
    assert before["process_start_time_seconds", ()] > 1_700_000_000
    with open("/dev/null"):  # noqa: PTH123
        assert samples(measures)["process_open_fds", ()] == before["process_open_fds", ()] + 1
    assert before["process_open_fds", ()] < before["process_max_fds", ()]
