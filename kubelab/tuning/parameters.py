"""Parameters of a search: what values one may take, how likely each is, and how Katib writes it.

`Number` and `Choice` are what `uniform`, `log`, `integer`, `normal`, `log_normal` and `choice` return; `when`
makes one of them depend on another. Each maps the interval from 0 to 1 onto its values (`at`) and back
(`unit`), so that every algorithm can search a unit cube.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from statistics import NormalDist
from typing import Any, Literal

from kubelab.tuning.errors import SpaceError
from kubelab.tuning.values import write_value
from kubelab.values import Value, read_value

__all__ = [
    "DISTRIBUTIONS",
    "Choice",
    "Conditional",
    "Distribution",
    "Number",
    "Parameter",
    "Value",
    "choice",
    "integer",
    "log",
    "log_normal",
    "normal",
    "uniform",
    "when",
]

Distribution = Literal["uniform", "logUniform", "normal", "logNormal"]

DISTRIBUTIONS: tuple[Distribution, ...] = ("uniform", "logUniform", "normal", "logNormal")
"""Katib's names (katib v0.19.0, ``pkg/apis/controller/experiments/v1beta1/experiment_types.go``)."""
_DEVIATIONS = 3.0
"""A normal parameter's bounds are this many standard deviations from its middle, as Katib has it (katib
v0.19.0, ``pkg/suggestion/v1beta1/hyperopt/base_service.py``). Katib's samples may pass them; ours do not."""
_BELL = NormalDist()
_TAIL = _BELL.cdf(-_DEVIATIONS)


@dataclass(frozen=True)
class Number:
    """A number between two bounds, both of which it may take.

    Parameters
    ----------
    type : {"double", "int"}
        Katib's ``parameterType``.
    low, high : float or int
        The bounds.
    step : float or int, optional
        The distance between values, counted from ``low``; without it a double is continuous.
    distribution : {"uniform", "logUniform", "normal", "logNormal"}
        Where its values lie thickest; ``log...`` means that of the value's logarithm.

    Raises
    ------
    SpaceError
        If the bounds hold nothing.
    """

    type: Literal["double", "int"]
    low: float
    high: float
    step: float | None = None
    distribution: Distribution = "uniform"

    def __post_init__(self) -> None:
        _check_number(self)

    @cached_property
    def count(self) -> int | None:
        """How many values there are; None where they are continuous."""
        if self.step is None:
            return None
        # Decimals, because 0.1 + 0.2 is not 0.3.
        span = Decimal(repr(self.high)) - Decimal(repr(self.low))
        return int(span / Decimal(repr(self.step))) + 1

    def values(self) -> Iterator[float | int]:
        """Return every value, from low to high; empty where they are continuous."""
        return (self._value(index) for index in range(self.count or 0))

    def at(self, unit: float) -> float | int:
        """Return the value at a place between 0 and 1; equal distances are equally likely."""
        low, high = self._scale_bounds()
        if self.distribution in ("normal", "logNormal"):
            share = _TAIL + min(max(unit, 0.0), 1.0) * (1 - 2 * _TAIL)
            place = (_BELL.inv_cdf(share) / _DEVIATIONS + 1) / 2
        else:
            place = unit
        scaled = low + place * (high - low)
        value = math.exp(scaled) if self.is_logarithmic else scaled
        if self.count is None:
            return min(max(value, self.low), self.high)
        return self._value(self._nearest(value))

    def unit(self, value: float) -> float:
        """Return the place of a value between 0 and 1; `at` of it is the value again, but for rounding."""
        low, high = self._scale_bounds()
        scaled = math.log(value) if self.is_logarithmic else value
        place = min(max((scaled - low) / (high - low), 0.0), 1.0) if high > low else 0.5
        if self.distribution not in ("normal", "logNormal"):
            return place
        share = _BELL.cdf((2 * place - 1) * _DEVIATIONS)
        return min(max((share - _TAIL) / (1 - 2 * _TAIL), 0.0), 1.0)

    def text(self, value: Value) -> str:
        """Return a value as an assignment's text."""
        return str(int(value)) if self.type == "int" else repr(float(value))  # type: ignore[arg-type]

    def value(self, text: str) -> float | int:
        """Return the value that an assignment's text stands for.

        Raises
        ------
        SpaceError
            If it is no number.
        """
        try:
            return int(text) if self.type == "int" else float(text)
        except ValueError:
            word = "whole number" if self.type == "int" else "number"
            raise SpaceError(f"{text!r} is no {word}", "Write the parameter's values as numbers.") from None

    def to_katib(self) -> dict[str, Any]:
        """Return ``parameterType`` and ``feasibleSpace``, whose values are texts."""
        feasible = {"min": self.text(self.low), "max": self.text(self.high)}
        if self.step is not None:
            feasible["step"] = self.text(self.step)
        return {
            "parameterType": self.type,
            "feasibleSpace": {**feasible, "distribution": self.distribution},
        }

    @property
    def is_logarithmic(self) -> bool:
        """Whether it is searched by orders of magnitude."""
        return self.distribution in ("logUniform", "logNormal")

    def _scale_bounds(self) -> tuple[float, float]:
        """Return the bounds on the scale that is searched; every stepped value has room around it."""
        half = self.step / 2 if self.step is not None else 0.0
        last = self._value((self.count or 1) - 1) if self.count else self.high
        low, high = self.low - half, last + half
        if not self.is_logarithmic:
            return low, high
        return math.log(low if low > 0 else self.low), math.log(high)

    def _nearest(self, value: float) -> int:
        index = math.floor((value - self.low) / (self.step or 1) + 0.5)
        return min(max(index, 0), (self.count or 1) - 1)

    def _value(self, index: int) -> float | int:
        if self.type == "int":
            return int(self.low) + index * int(self.step or 1)
        return float(Decimal(repr(self.low)) + index * Decimal(repr(self.step)))


@dataclass(frozen=True)
class Choice:
    """One of a few values.

    Parameters
    ----------
    texts : tuple of str
        The values as Katib writes them.
    type : {"categorical", "discrete"}
        Katib's ``parameterType``; ``discrete`` where all are numbers.

    Raises
    ------
    SpaceError
        If there is none, or one twice.
    """

    texts: tuple[str, ...]
    type: Literal["categorical", "discrete"] = "categorical"

    def __post_init__(self) -> None:
        if not self.texts:
            raise SpaceError("there is nothing to choose from", "Write choice('a', 'b').")
        twice = sorted({text for text in self.texts if self.texts.count(text) > 1})
        if twice:
            raise SpaceError(f"{', '.join(twice)} can be chosen twice", "Name each value once.")

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self.texts)

    def values(self) -> Iterator[Value]:
        """Return every value."""
        return (read_value(text) for text in self.texts)

    def at(self, unit: float) -> Value:
        """Return the value at a place between 0 and 1."""
        return read_value(self.texts[min(max(int(unit * self.count), 0), self.count - 1)])

    def unit(self, value: Value) -> float:
        """Return the middle of a value's place between 0 and 1."""
        return (self.texts.index(self.text(value)) + 0.5) / self.count

    def text(self, value: Value) -> str:
        """Return a value as an assignment's text."""
        written = write_value(value)
        if written in self.texts:
            return written
        # A foreign Experiment may write a number its own way, such as 1e-3.
        alike = (text for text in self.texts if read_value(text) == value and value is not None)
        return next(alike, written)

    def value(self, text: str) -> Value:
        """Return the value that an assignment's text stands for."""
        return read_value(text)

    def to_katib(self) -> dict[str, Any]:
        """Return ``parameterType`` and ``feasibleSpace``."""
        feasible = {"list": list(self.texts), "distribution": "uniform"}
        return {"parameterType": self.type, "feasibleSpace": feasible}


@dataclass(frozen=True)
class Conditional:
    """A parameter that a trial has only where others have certain values.

    Parameters
    ----------
    parameter : Number or Choice
        The parameter.
    conditions : tuple of (str, tuple of str)
        The names of other parameters, each with the texts of the values that it must have.
    """

    parameter: Number | Choice
    conditions: tuple[tuple[str, tuple[str, ...]], ...]


Parameter = Number | Choice | Conditional


def uniform(low: float, high: float, step: float | None = None) -> Number:
    """Return a float between two bounds, every one as likely."""
    return Number("double", _float(low), _float(high), None if step is None else _float(step))


def log(low: float, high: float) -> Number:
    """Return a float between two positive bounds, every order of magnitude as likely."""
    return Number("double", _float(low), _float(high), None, "logUniform")


def integer(low: int, high: int, step: int = 1, *, log: bool = False) -> Number:
    """Return a whole number between two bounds, or with ``log`` one whose order of magnitude counts."""
    return Number("int", low, high, step, "logUniform" if log else "uniform")


def normal(low: float, high: float, step: float | None = None) -> Number:
    """Return a float near the middle of two bounds, which are three standard deviations away from it."""
    return Number("double", _float(low), _float(high), None if step is None else _float(step), "normal")


def log_normal(low: float, high: float) -> Number:
    """Return a float whose logarithm is `normal` between those of two positive bounds."""
    return Number("double", _float(low), _float(high), None, "logNormal")


def choice(*values: Value) -> Choice:
    """Return one of the values: texts, numbers, booleans, None, or tuples of these.

    They reach the trial as what they are, though Katib's assignments are texts: a text stands for itself, and
    all else is written as JSON, as is a text that would read as JSON (``'1'``, ``'null'``).
    """
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return Choice(tuple(map(write_value, values)), "discrete" if numbers and values else "categorical")


def when(parameter: Number | Choice, /, **conditions: Value | list[Value]) -> Conditional:
    """Return a parameter that trials have only where others have the values given.

    ``when(uniform(0.8, 0.99), optimizer="sgd")``; a list names several values, and with several names all
    must hold.
    """
    if not isinstance(parameter, Number | Choice):
        raise SpaceError(
            f"{parameter!r} cannot depend on others",
            "Write when(integer(4, 64), optimizer='adam'), with all conditions in one when().",
        )
    if not conditions:
        raise SpaceError("when() names no condition", "Write when(integer(4, 64), optimizer='adam').")
    return Conditional(
        parameter,
        tuple(
            (name, tuple(map(write_value, value if isinstance(value, list) else [value])))
            for name, value in conditions.items()
        ),
    )


def _check_number(number: Number) -> None:
    low, high, step = number.low, number.high, number.step
    for value in (low, high, 1 if step is None else step):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise SpaceError(f"{value!r} is no finite number", "Write the bounds as numbers: uniform(0, 1).")
        if number.type == "int" and not isinstance(value, int):
            raise SpaceError(
                f"{value!r} is no whole number", "Write integer(1, 8), or use uniform() or log()."
            )
    if low >= high:
        raise SpaceError(
            f"low={low!r} is not below high={high!r}",
            "Write the smaller bound first; leave a parameter with one value out of the space.",
        )
    if step is not None and not 0 < step <= high - low:
        raise SpaceError(
            f"step={step!r} does not fit between low={low!r} and high={high!r}",
            "Use a step above 0 and at most high - low.",
        )
    if number.distribution not in DISTRIBUTIONS:
        raise SpaceError(
            f"distribution {number.distribution!r} is not known",
            f"Choose one of: {', '.join(DISTRIBUTIONS)}.",
        )
    if number.distribution.startswith("log") and low <= 0:
        raise SpaceError(
            f"low={low!r} has no logarithm", "Use a low above 0, such as log(1e-5, 1e-1), or use uniform()."
        )


def _float(value: float) -> float:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
