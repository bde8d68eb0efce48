"""Arguments that stand in a worker's variables: all of them as JSON, and one at a time as texts.

The second form is for those that differ between the trials of a sweep: a trial's template is filled in by
replacing texts, so each argument has a variable of its own, and nothing needs to be quoted.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

ARGS = "KUBELAB_ARGS"
ARG = "KUBELAB_ARG_"
"""The beginning of a variable that holds one argument as `write_value` writes it; empty for the default."""


def read_arguments(env: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the arguments that stand in the variables."""
    found: dict[str, Any] = json.loads(env.get(ARGS, "{}"))
    texts = {name.removeprefix(ARG): text for name, text in env.items() if name.startswith(ARG) and text}
    return found | {name: read_value(text) for name, text in texts.items()}


def write_value(value: Any) -> str:
    """Return a value as text: a text itself, anything else as JSON, and so a text that would read as JSON.

    Raises
    ------
    ValueError, TypeError
        If JSON cannot carry it.
    """
    if isinstance(value, str) and value and read_value(value) is value:
        return value
    return json.dumps(value, allow_nan=False)


def read_value(text: str) -> Any:
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


def _has_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_object, value)))


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
