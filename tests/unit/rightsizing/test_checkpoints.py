from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.rightsizing.aggregation import Aggregation
from kubelab.rightsizing.checkpoints import CheckpointError, checkpoint_status, load_checkpoint
from kubelab.rightsizing.recommender import Recommender, Workload
from tests.unit.rightsizing.samples import DAY, GIB, MIB, START, key, steady

LATER = datetime.fromtimestamp(START + 30 * DAY, UTC)


def _recommender(days: float = 4) -> Recommender:
    recommender = Recommender()
    recommender.track(key(), "group")
    recommender.observe([steady("cpu", 0.3, days=days), steady("memory", GIB, days=days)])
    return recommender


def _cpu_weight(days: float) -> float:
    reference = datetime(2023, 11, 15, tzinfo=UTC).timestamp()
    times = START + np.arange(round(days * 1440) + 1) * 60
    return float((0.1 * 2 ** ((times - reference) / DAY)).sum())


def test_checkpoint_is_written_as_upstream_writes_it() -> None:
    status = checkpoint_status(_recommender().aggregation, ["group"], LATER)
    assert status == {
        "lastUpdateTime": "2023-12-14T22:13:20Z",
        "version": "v3",
        "cpuHistogram": {
            "referenceTimestamp": "2023-11-15T00:00:00Z",
            "bucketWeights": {"18": 10000},
            "totalWeight": pytest.approx(_cpu_weight(days=4)),
        },
        "memoryHistogram": {
            "referenceTimestamp": "2023-11-16T00:00:00Z",
            "bucketWeights": {"37": 10000},
            "totalWeight": pytest.approx(sum(2.0**day for day in range(5)) * 2 ** (-6400 / DAY), rel=1e-3),
        },
        "firstSampleStart": "2023-11-14T22:13:20Z",
        "lastSampleStart": "2023-11-18T22:13:20Z",
        "totalSamplesCount": 4 * 1440 + 1,
    }


def test_recommendation_after_a_restart_is_the_one_before() -> None:
    before, after = _recommender(), Recommender()
    load_checkpoint(after.aggregation, "kept", checkpoint_status(before.aggregation, ["group"], LATER))
    assert after.recommend([Workload({"app": ["kept"]})]) == before.recommend([Workload({"app": ["group"]})])


def test_samples_after_a_restart_count_with_those_of_the_checkpoint() -> None:
    whole = _recommender(6)
    after = Recommender()
    load_checkpoint(
        after.aggregation, "kept", checkpoint_status(_recommender().aggregation, ["group"], LATER)
    )
    after.track(key(), "group")
    series = steady("cpu", 0.3, days=6)
    new = series.times > START + 4 * DAY
    after.aggregation.observe("cpu", np.zeros(new.sum(), int), series.times[new], series.values[new])
    [[found]] = after.recommend([Workload({"app": ["kept", "group"]})])
    [[expected]] = whole.recommend([Workload({"app": ["group"]})])
    assert (found.target.cpu, found.samples, found.first) == (
        expected.target.cpu,
        expected.samples,
        expected.first,
    )


def test_peak_of_a_window_that_is_open_is_left_out() -> None:
    recommender = _recommender(days=1.5)
    during = datetime.fromtimestamp(START + 1.5 * DAY, UTC)
    open_, closed = (
        checkpoint_status(recommender.aggregation, ["group"], moment)["memoryHistogram"]["totalWeight"]
        for moment in (during, LATER)
    )
    assert open_ == pytest.approx(closed / 3)


def test_checkpoint_of_nothing_is_empty_and_can_be_loaded() -> None:
    status = checkpoint_status(Aggregation(), ["unknown"], LATER)
    assert status["cpuHistogram"] == {"referenceTimestamp": None, "bucketWeights": {}, "totalWeight": 0.0}
    assert (status["firstSampleStart"], status["totalSamplesCount"]) == (None, 0)
    recommender = Recommender()
    load_checkpoint(recommender.aggregation, "kept", status)
    assert recommender.recommend([Workload({"app": ["kept"]})]) == [[]]


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ({"version": "v2"}, "version 'v2'"),
        ({"version": "v3", "cpuHistogram": {"bucketWeights": {"176": 1}, "totalWeight": 1.0}}, "bucket 176"),
        ({"version": "v3", "cpuHistogram": {"bucketWeights": {"3": -1}, "totalWeight": 1.0}}, "negative"),
        ({"version": "v3", "memoryHistogram": {"bucketWeights": {"3": 1}, "totalWeight": -1.0}}, "negative"),
    ],
)
def test_checkpoint_that_makes_no_sense_is_not_loaded(status: Object, problem: str) -> None:
    aggregation = Aggregation()
    with pytest.raises(CheckpointError, match=problem):
        load_checkpoint(aggregation, "kept", status)
    assert "kept" not in aggregation.groups


def test_checkpoint_is_not_loaded_over_samples() -> None:
    aggregation = _recommender().aggregation
    with pytest.raises(CheckpointError, match="has samples already"):
        load_checkpoint(aggregation, "group", checkpoint_status(aggregation, ["group"], LATER))


samples = st.lists(
    st.tuples(st.integers(0, 20 * 1440), st.floats(0.001, 64), st.integers(MIB, 64 * GIB)),
    min_size=1,
    max_size=40,
    unique_by=lambda sample: sample[0],
)


@given(samples)
def test_what_was_loaded_is_written_again_as_it_was(found: list[tuple[int, float, int]]) -> None:
    first, second = Aggregation(), Aggregation()
    row = np.full(len(found), first.track(key(), "group"))
    minutes, cpu, memory = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    first.observe("cpu", row, START + minutes * 60, cpu)
    first.observe("memory", row, START + minutes * 60, memory)
    status = checkpoint_status(first, ["group"], LATER)
    load_checkpoint(second, "kept", status)
    assert checkpoint_status(second, ["kept"], LATER) == status
