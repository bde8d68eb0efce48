"""Series of use: when each point holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.simulated_usage import DeclaredUse, read_use

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_what_is_written_is_read_again() -> None:
    use = DeclaredUse(((0.0, 100, 1000), (60.0, 200, 2000)), START, 86_400.0)
    assert read_use(use.written()) == use


def test_pieces_of_a_series_that_repeats_begin_in_its_middle() -> None:
    use = DeclaredUse(((0.0, 1, 1), (10.0, 2, 2)), START, 15.0)
    pieces = list(use.between(START + timedelta(seconds=12), START + timedelta(seconds=33)))
    assert [(seconds, point[1]) for seconds, point in pieces] == [(3, 2), (10, 1), (5, 2), (3, 1)]


@given(
    st.lists(st.floats(0, 1000), min_size=1, max_size=5),
    st.one_of(st.none(), st.floats(1001, 5000)),
    st.floats(0, 10_000),
    st.floats(0, 20_000),
)
def test_pieces_cover_the_run_and_agree_with_the_moment(
    times: list[float], every_s: float | None, begin_s: float, lasts_s: float
) -> None:
    points = tuple((at, index, index) for index, at in enumerate(sorted(times)))
    use = DeclaredUse(points, START, every_s)
    start = moment = START + timedelta(seconds=begin_s)
    end = start + timedelta(seconds=lasts_s)
    for seconds, point in use.between(start, end):
        middle = moment + timedelta(seconds=seconds) / 2
        if seconds > 0.001:
            assert use.at(middle, start) == point
        moment += timedelta(seconds=seconds)
    assert abs((moment - end).total_seconds()) < 0.001


@pytest.mark.parametrize(
    "text",
    [
        "3",
        "[]",
        "[[0, 1]]",
        "[[5, 1, 1], [0, 1, 1]]",
        "[[0, -1, 1]]",
        '{"since": "2026-01-01T00:00:00Z"}',
        '{"points": [[0, 1, 1]], "since": "yesterday"}',
        '{"points": [[0, 1, 1], [60, 1, 1]], "every": 60}',
        '{"points": [[0, 1, 1]], "often": 60}',
    ],
)
def test_what_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_use(text)
