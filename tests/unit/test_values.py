from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.values import read_value, write_value

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
VALUES = st.recursive(SCALARS, lambda parts: st.lists(parts).map(tuple), max_leaves=5)


@given(VALUES)
def test_a_value_comes_back_from_its_text_as_what_it_was(value: Any) -> None:
    assert repr(read_value(write_value(value))) == repr(value)


@pytest.mark.parametrize(("text", "value"), [("adam", "adam"), ("1", 1), ('"1"', "1"), ("NaN", "NaN")])
def test_a_text_is_json_or_itself(text: str, value: object) -> None:
    assert read_value(text) == value
