"""Settings of an algorithm: Katib writes them as texts; here they are declared, checked and read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kubelab.tuning.errors import SettingError, UnknownNameError


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting that an algorithm has.

    Parameters
    ----------
    type : {"int", "float", "text"}
        What its text stands for.
    default : int, float, str or None
        Its value where it is not given.
    least, most : float
        The bounds of a number, which it may reach, or with ``open`` may not.
    open : bool
        Whether the bounds are outside.
    one_of : sequence of str
        The texts that it may be; all where empty.
    required : bool
        Whether it must be given.
    """

    type: Literal["int", "float", "text"]
    default: int | float | str | None = None
    least: float = -math.inf
    most: float = math.inf
    open: bool = False
    one_of: Sequence[str] = ()
    required: bool = False


Schema = Mapping[str, Setting]

RANDOM_STATE: Schema = {"random_state": Setting("int", least=0)}
"""Every algorithm of Katib's that draws random numbers has it; it goes before the problem's own seed."""


def read_settings(algorithm: str, schema: Schema, given: Mapping[str, str]) -> dict[str, Any]:
    """Return every setting's value, as a number where it is one.

    Raises
    ------
    UnknownNameError
        If one is not the algorithm's.
    SettingError
        If one is missing, or has a value it cannot have.
    """
    for name in given:
        if name not in schema:
            raise UnknownNameError(f"setting of {algorithm}", name, schema)
    for name, setting in schema.items():
        if setting.required and name not in given:
            raise SettingError(
                algorithm, name, "is missing", f"Add it to the settings: {_needed(schema)} must be there."
            )
    return {
        name: _read(algorithm, name, setting, given[name]) if name in given else setting.default
        for name, setting in schema.items()
    }


def _read(algorithm: str, name: str, setting: Setting, text: str) -> Any:
    if setting.one_of and text not in setting.one_of:
        raise SettingError(
            algorithm, name, f"cannot be {text!r}", f"Choose one of: {', '.join(setting.one_of)}."
        )
    if setting.type == "text":
        return text
    try:
        value = int(text) if setting.type == "int" else float(text)
    except ValueError:
        value = math.nan
    inside = setting.least < value < setting.most if setting.open else setting.least <= value <= setting.most
    if not inside or not math.isfinite(value):
        raise SettingError(algorithm, name, f"cannot be {text!r}", f"Use {_range(setting)}.")
    return value


def _range(setting: Setting) -> str:
    word = "a whole number" if setting.type == "int" else "a number"
    if not math.isfinite(setting.most):
        return f"{word} {'above' if setting.open else 'of at least'} {setting.least:g}"
    between, and_ = ("between", "and") if setting.open else ("from", "to")
    return f"{word} {between} {setting.least:g} {and_} {setting.most:g}"


def _needed(schema: Schema) -> str:
    return ", ".join(name for name, setting in schema.items() if setting.required)
