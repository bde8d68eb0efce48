"""Integers in text are read as Go's strconv reads them."""

from __future__ import annotations

import pytest

from kubelab.engine.apiserver.integers import IntegerError, parse_int, parse_uint


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("+7", 7), ("-007", -7), ("9223372036854775807", 2**63 - 1), (str(-(2**63)), -(2**63))],
)
def test_a_signed_integer_is_read(text: str, value: int) -> None:
    assert parse_int(text) == value


@pytest.mark.parametrize("text", ["", " 1", "1_0", "1.0", "٣", "x", "--1", "1\n"])
def test_what_python_alone_reads_is_not_an_integer(text: str) -> None:
    with pytest.raises(IntegerError) as refused:
        parse_int(text)
    assert str(refused.value) == f'strconv.ParseInt: parsing "{text}": invalid syntax'
    with pytest.raises(IntegerError, match=r"^strconv.ParseUint: .*: invalid syntax$"):
        parse_uint(text.replace("\n", " "))


@pytest.mark.parametrize("text", ["9223372036854775808", str(-(2**63) - 1), "9" * 5000])
def test_an_integer_has_64_bits(text: str) -> None:
    with pytest.raises(IntegerError) as refused:
        parse_int(text, "Atoi")
    assert str(refused.value) == f'strconv.Atoi: parsing "{text}": value out of range'


def test_an_unsigned_integer_has_64_bits_and_no_sign() -> None:
    assert parse_uint("18446744073709551615") == 2**64 - 1
    for text, problem in (("18446744073709551616", "value out of range"), ("+1", "invalid syntax")):
        with pytest.raises(IntegerError, match=problem):
            parse_uint(text)
