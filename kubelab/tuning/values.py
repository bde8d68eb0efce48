"""Which values may be chosen: those that Katib's texts can carry there and back."""

from __future__ import annotations

import math

from kubelab.tuning.errors import SpaceError
from kubelab.values import Value
from kubelab.values import write_value as write

__all__ = ["write_value"]


def write_value(value: Value) -> str:
    """Return a value as `kubelab.values.write_value` does.

    Raises
    ------
    SpaceError
        If it is neither a text, a finite number, a boolean, None nor a tuple of these.
    """
    _check(value)
    return write(value)


def _check(value: object) -> None:
    if isinstance(value, tuple):
        for each in value:
            _check(each)
    elif isinstance(value, float) and not math.isfinite(value):
        raise SpaceError(f"{value!r} cannot be chosen", "Use None or a word for it.")
    elif value is not None and not isinstance(value, str | int | float):
        raise SpaceError(
            f"{value!r} (a {type(value).__name__}) cannot be chosen",
            "Choose among texts, numbers, True, False, None and tuples of these; "
            "choose anything else by a name, and look it up in the function.",
        )
