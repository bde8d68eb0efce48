import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.engine.controllers.job.indexes import format_indexes, parse_indexes


@pytest.mark.parametrize(
    ("indexes", "text"),
    [((), ""), ((3,), "3"), ((1, 2), "1,2"), ((1, 3, 4, 5, 7), "1,3-5,7"), ((0, 1, 2, 9), "0-2,9")],
)
def test_runs_are_written_as_upstream_writes_them(indexes: tuple[int, ...], text: str) -> None:
    assert format_indexes(indexes) == text


@given(st.sets(st.integers(0, 50)))
def test_what_is_written_is_read_back(indexes: set[int]) -> None:
    assert parse_indexes(format_indexes(indexes), 51) == indexes


def test_indexes_past_the_completions_are_left_out() -> None:
    assert parse_indexes("1,3-9", 5) == {1, 3, 4}
