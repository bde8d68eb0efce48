from hypothesis import given
from hypothesis import strategies as st

from kubelab.live.rings import LogRing, Series, at_most, thin


def test_a_short_series_keeps_every_point() -> None:
    series = Series(capacity=4)
    for step in range(4):
        series.append((step, 1.0))
    assert series.points() == ((0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0))


def test_a_long_series_keeps_the_whole_run_in_view() -> None:
    series = Series(capacity=100)
    for step in range(10_000):
        series.append((step, float(step)))
    steps = [step for step, _ in series.points()]
    assert len(steps) <= 100
    assert steps[-1] == 9_999
    assert steps[0] < 1_000
    assert steps == sorted(steps)


@given(st.lists(st.tuples(st.integers(), st.floats(allow_nan=False)), min_size=1), st.integers(1, 50))
def test_thinning_never_loses_the_latest_point(points: list[tuple[int, float]], count: int) -> None:
    assert thin(points)[-1] == points[-1]
    kept = at_most(points, count)
    assert len(kept) <= count
    assert kept[-1] == points[-1]


def test_a_log_ring_keeps_the_end_and_counts_what_came_too_fast() -> None:
    ring = LogRing(capacity=5, burst=2)
    ring.extend(str(number) for number in range(8))
    assert ring.lines() == ("3", "4", "5", "6", "7")
    assert ring.take() == (("6", "7"), 6)
    assert ring.take() == ((), 0)
