"""Values as texts and back, without quoting what needs none: a text stands for itself, all else is JSON.

Katib's API knows only texts, and a trial's template is filled in by replacing texts.
"""

from __future__ import annotations

import json
import math
from typing import Any

Value = str | int | float | bool | None | tuple[Any, ...]


def write_value(value: Value) -> str:
    """Return a value as text: a text itself, anything else as JSON, and so a text that would read as JSON.

    The empty text is JSON too (``""``), so that an empty text can stand for no value at all.

    Raises
    ------
    ValueError, TypeError
        If JSON cannot carry it.
    """
    if isinstance(value, str) and value and read_value(value) is value:
        return value
    return json.dumps(value, allow_nan=False)


def read_value(text: str) -> Value:
    """Return the value that a text stands for; the text itself where it is no JSON, or an object's."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, float) and not math.isfinite(value):
        return text
    return text if _has_object(value) else _tuples(value)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _has_object(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_object, value)))


def _tuples(value: Any) -> Value:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
