from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kubelab.rightsizing.aggregation import Aggregation
from kubelab.usage.series import Resource
from tests.unit.rightsizing.samples import DAY, GIB, MIB, MINUTE, START, key
from tests.unit.rightsizing.sequential import Sequential


def _aggregation(pods: int = 1) -> Aggregation:
    aggregation = Aggregation()
    for pod in range(pods):
        aggregation.track(key(f"web-{pod}"), "group")
    return aggregation


def _observe(
    aggregation: Aggregation, resource: Resource, *samples: tuple[float, float], container: int = 0
) -> int:
    times, values = (np.array(column) for column in zip(*samples, strict=True))
    return aggregation.observe(resource, np.full(len(times), container), times, values)


def _memory(aggregation: Aggregation) -> dict[int, float]:
    weights = aggregation.memory.weights[0]
    return {int(bucket): float(weights[bucket]) for bucket in np.flatnonzero(weights)}


def _bucket(aggregation: Aggregation, used: float) -> int:
    return int(aggregation.memory.buckets.find(np.array([used]))[0])


def test_cpu_samples_that_are_not_newer_are_left_out() -> None:
    aggregation = _aggregation()
    assert _observe(aggregation, "cpu", (START, 0.1), (START, 0.9), (START + 60, 0.1)) == 2
    assert _observe(aggregation, "cpu", (START + 30, 0.9), (START + 60, 0.9), (START + 90, -1.0)) == 0
    seen = aggregation.seen()
    assert (seen.first[0], seen.last[0], seen.count[0]) == (START, START + 60, 2)


def test_cpu_counts_as_whole_millicores_rounded_up() -> None:
    below, above = _aggregation(), _aggregation()
    _observe(below, "cpu", (START, 0.0200001))
    _observe(above, "cpu", (START, 0.021))
    assert (below.cpu.weights == above.cpu.weights).all()


def test_samples_need_no_order_within_a_batch() -> None:
    ordered, mixed = _aggregation(2), _aggregation(2)
    rows = np.array([0, 0, 0, 1, 1])
    times = START + np.array([0, 60, 120, 0, 60])
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    order = np.array([4, 2, 0, 1, 3])
    assert ordered.observe("cpu", rows, times, values) == 5
    assert mixed.observe("cpu", rows[order], times[order], values[order]) == 5
    np.testing.assert_allclose(ordered.cpu.weights, mixed.cpu.weights)


def test_memory_counts_once_a_day_with_its_peak() -> None:
    aggregation = _aggregation()
    day = [(START + hour * 3600, (1 + hour % 7) * 100 * MIB) for hour in range(24)]
    assert _observe(aggregation, "memory", *day) == 24
    assert list(_memory(aggregation)) == [_bucket(aggregation, 700 * MIB)]
    _observe(aggregation, "memory", (START + DAY, 200 * MIB))
    assert list(_memory(aggregation)) == [_bucket(aggregation, each * MIB) for each in (200, 700)]


def test_higher_peak_of_a_later_batch_takes_the_place_of_the_one_before() -> None:
    aggregation = _aggregation()
    for minute, used in enumerate((500, 200, 900, 300)):
        _observe(aggregation, "memory", (START + minute * MINUTE, used * MIB))
    assert list(_memory(aggregation)) == [_bucket(aggregation, 900 * MIB)]


def test_pods_of_a_group_count_each_with_their_own_peak() -> None:
    aggregation = _aggregation(2)
    _observe(aggregation, "memory", (START, 500 * MIB), container=0)
    _observe(aggregation, "memory", (START, 500 * MIB), container=1)
    [weight] = _memory(aggregation).values()
    one = _aggregation()
    _observe(one, "memory", (START, 500 * MIB))
    assert weight == 2 * _memory(one)[_bucket(one, 500 * MIB)]


def test_kill_for_want_of_memory_counts_as_the_peak_of_its_window() -> None:
    aggregation = _aggregation()
    _observe(aggregation, "memory", (START, 100 * MIB))
    assert aggregation.observe_oom(0, START + 60, 128 * MIB)
    assert list(_memory(aggregation)) == [_bucket(aggregation, 239_075_328)]


def test_kills_one_after_the_other_do_not_add_up() -> None:
    aggregation = _aggregation()
    _observe(aggregation, "memory", (START, GIB))
    for minute in range(1, 5):
        aggregation.observe_oom(0, START + minute * MINUTE, 128 * MIB)
    assert list(_memory(aggregation)) == [_bucket(aggregation, 1_288_490_188)]


def test_kill_before_the_window_does_not_count() -> None:
    aggregation = _aggregation()
    _observe(aggregation, "memory", (START, GIB), (START + 2 * DAY, GIB))
    before = aggregation.memory.weights.copy()
    assert not aggregation.observe_oom(0, START + DAY, GIB)
    assert (aggregation.memory.weights == before).all()


sample = st.tuples(st.floats(0, 5 * DAY), st.integers(1, 4 * GIB), st.booleans())


@given(st.lists(st.lists(sample, min_size=1, max_size=12), min_size=1, max_size=3))
def test_batches_come_to_what_upstream_comes_to_one_by_one(
    batches: list[list[tuple[float, int, bool]]],
) -> None:
    aggregation, upstream = _aggregation(), Sequential()
    for batch in batches:
        used = sorted((START + time, float(used)) for time, used, is_oom in batch if not is_oom)
        if used:
            _observe(aggregation, "memory", *used)
            for time, amount in used:
                upstream.add(time, amount)
        for time, amount in ((START + time, amount) for time, amount, is_oom in batch if is_oom):
            peak = upstream.peak
            if upstream.window_end is None or time >= upstream.window_end - DAY:
                most = max(amount, peak)
                upstream.add(time, float(max(most + 100 * MIB, int(most * 1.2))), is_oom=True)
            aggregation.observe_oom(0, time, amount)
    np.testing.assert_allclose(
        aggregation.memory.weights[:1], upstream.histogram.weights, rtol=1e-9, atol=2e-4
    )
    assert aggregation.containers["window_end"][0] == upstream.window_end
