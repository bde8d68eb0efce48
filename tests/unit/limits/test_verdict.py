"""Latencies against objectives."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from kubelab.limits.slos import POD_START, WATCH
from kubelab.limits.verdict import Finding, quantile, seconds


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1.0))
def test_a_quantile_is_a_sample_that_enough_samples_do_not_pass(samples: list[float], q: float) -> None:
    found = quantile(samples, q)
    assert found in samples
    assert sum(each <= found for each in samples) >= q * len(samples) - 1e-9
    assert sum(each < found for each in samples) < q * len(samples) + 1e-9


def test_an_objective_is_kept_up_to_its_limit() -> None:
    assert Finding(POD_START, "", (5.0,) * 100).held == "kept"
    assert Finding(POD_START, "", (5.001,) * 100).held == "missed"


def test_one_slow_pod_of_a_hundred_is_forgiven_and_two_are_not() -> None:
    assert Finding(POD_START, "", (1.0,) * 99 + (60.0,)).held == "kept"
    assert Finding(POD_START, "", (1.0,) * 98 + (60.0,) * 2).held == "missed"


def test_pods_that_never_start_miss_the_objective() -> None:
    finding = Finding(POD_START, "", (1.0,) * 50 + (math.inf,) * 50)
    assert finding.held == "missed"
    assert finding.sentence == "pod start: p99 never (at most 5 s: missed), p50 1 s, 100 samples"


def test_what_never_happened_says_why() -> None:
    finding = Finding(POD_START, "", (1.0,) * 98 + (math.inf,) * 2, "ErrImagePull: no such image.")
    assert finding.sentence.endswith("100 samples, 2 never: ErrImagePull: no such image")


def test_a_sentence_says_when_samples_are_few() -> None:
    sentence = Finding(WATCH, "2 watches", (0.002, 0.004)).sentence
    assert sentence == (
        "change seen by a watch, 2 watches: p99 4 ms, p50 2 ms, 2 samples (so p99 is the slowest)"
    )


def test_what_was_not_measured_is_neither_kept_nor_missed() -> None:
    assert Finding(POD_START, "", ()).held == "not measured"
    assert Finding(POD_START, "", ()).sentence == "pod start: not measured"


def test_what_has_no_objective_is_not_judged() -> None:
    assert Finding(WATCH, "", (100.0,)).held == "no objective"


def test_durations_are_written_in_the_unit_that_fits() -> None:
    assert [seconds(each) for each in (0.0042, 1.3, math.inf)] == ["4.2 ms", "1.3 s", "never"]
