"""Values that a parameter may take, as texts and back: Katib's API knows only texts."""

from __future__ import annotations

import json
import math
from typing import Any

from kubelab.tuning.errors import SpaceError

Value = str | int | float | bool | None | tuple[Any, ...]


def write_value(value: Value) -> str:
    """Return a value as text: a text itself, anything else as JSON; see `choice`.

    Raises
    ------
    SpaceError
        If it is neither a text, a finite number, a boolean, None nor a tuple of these.
    """
    if isinstance(value, str):
        return value if read_value(value) is value else json.dumps(value)
    _check_value(value)
    return json.dumps(value)


def read_value(text: str) -> Value:
    """Return the value that a text stands for; the text itself where it is no JSON, or an object's."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, float) and not math.isfinite(value):
        return text
    return text if _has_object(value) else _tuples(value)


def _check_value(value: object) -> None:
    if isinstance(value, tuple):
        for each in value:
            _check_value(each)
    elif isinstance(value, float) and not math.isfinite(value):
        raise SpaceError(f"{value!r} cannot be chosen", "Use None or a word for it.")
    elif value is not None and not isinstance(value, str | int | float):
        raise SpaceError(
            f"{value!r} (a {type(value).__name__}) cannot be chosen",
            "Choose among texts, numbers, True, False, None and tuples of these; "
            "choose anything else by a name, and look it up in the function.",
        )


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _has_object(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_object, value)))


def _tuples(value: Any) -> Value:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
