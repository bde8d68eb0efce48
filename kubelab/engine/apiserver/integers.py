"""Integers in text, read as Go's ``strconv`` reads them and refused in its words."""

from __future__ import annotations

import re

_SIGNED = re.compile(r"[+-]?[0-9]+").fullmatch
_UNSIGNED = re.compile(r"[0-9]+").fullmatch
_LONGEST = 100  # with leading zeros; Python reads no more than 4,300 digits


class IntegerError(ValueError):
    """A text that is no integer of 64 bits."""

    def __init__(self, function: str, text: str, problem: str) -> None:
        super().__init__(f'strconv.{function}: parsing "{text}": {problem}')


def parse_int(text: str, function: str = "ParseInt") -> int:
    """Return a signed integer of 64 bits.

    Raises
    ------
    IntegerError
        If it is none; ``function`` is what Go would have called.
    """
    if not _SIGNED(text):
        raise IntegerError(function, text, "invalid syntax")
    return _within(-(2**63), 2**63, text, function)


def parse_uint(text: str) -> int:
    """Return an unsigned integer of 64 bits.

    Raises
    ------
    IntegerError
        If it is none.
    """
    if not _UNSIGNED(text):
        raise IntegerError("ParseUint", text, "invalid syntax")
    return _within(0, 2**64, text, "ParseUint")


def _within(lowest: int, end: int, text: str, function: str) -> int:
    if len(text) > _LONGEST or not lowest <= (number := int(text)) < end:
        raise IntegerError(function, text, "value out of range")
    return number
