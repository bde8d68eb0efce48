from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.quantities import QuantityError, cpu_millicores, format_memory, parse_quantity, whole


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", "0.5"), ("1.5Gi", "1610612736"), ("2", "2"), (1.0, "1"), ("1e3", "1000"), ("1E", "1e18"),
        ("12E2", "1200"), ("-1Ki", "-1024"), (".5", "0.5"), ("100n", "1e-7"), ("3u", "0.000003"), ("5.", "5"),
    ],
)  # fmt: skip
def test_a_quantity_has_upstreams_value(text: str | float, value: str) -> None:
    assert parse_quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "1 Gi", "1gi", "GiB", "1e", "--1", "1KiB", "0x10", "1.2.3", "one"])
def test_what_is_not_a_quantity_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(QuantityError, match="Write a number with an optional suffix"):
        parse_quantity(text)


def test_cpu_rounds_up_to_the_millicore_and_memory_to_the_byte() -> None:
    assert cpu_millicores("0.0001") == 1
    assert cpu_millicores("1500m") == 1500
    assert whole("1m") == 1


@given(st.integers(0, 10**15))
def test_an_integer_is_its_own_quantity(value: int) -> None:
    assert whole(str(value)) == value
    assert parse_quantity(f"{value}k") == value * 1000


@given(st.floats(0, 1e12, allow_nan=False))
def test_every_json_number_is_a_quantity(value: float) -> None:
    assert float(parse_quantity(value)) == pytest.approx(value)


def test_memory_is_written_for_people() -> None:
    assert format_memory(8 * 1024**3) == "8 GiB"
    assert format_memory(1536) == "1.5 KiB"
    assert format_memory(0) == "0 B"
