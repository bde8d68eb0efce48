"""A search space: names and their parameters, as Katib's ``spec.parameters`` and back.

Katib has no conditional parameters. kubelab writes their conditions into an annotation of the Experiment,
which only kubelab reads; see `Space.conditions_json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kubelab.tuning.errors import SpaceError
from kubelab.tuning.parameters import Choice, Conditional, Number, Parameter, Value

CONDITIONS_ANNOTATION = "tuning.kubelab.dev/conditions"
"""Holds ``{"momentum": {"optimizer": ["sgd"]}}``: which values of which others a parameter needs."""

_UNSAID: tuple[Any, ...] = (None, "", "unknown")


@dataclass(frozen=True, init=False)
class Space(Mapping[str, Parameter]):
    """The parameters of a search by name, in the order in which they were given.

    Parameters
    ----------
    parameters : mapping of str to parameter
        What `uniform`, `log`, `integer`, `normal`, `log_normal`, `choice` and `when` return.

    Raises
    ------
    SpaceError
        If it is empty, or a condition names what is not there.
    """

    entries: tuple[tuple[str, Parameter], ...]

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        object.__setattr__(self, "entries", tuple(parameters.items()))
        _check(self)

    def __getitem__(self, name: str) -> Parameter:
        for each, parameter in self.entries:
            if each == name:
                return parameter
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def parameter(self, name: str) -> Number | Choice:
        """Return a parameter without its conditions."""
        parameter = self[name]
        return parameter.parameter if isinstance(parameter, Conditional) else parameter

    def conditions(self, name: str) -> dict[str, tuple[str, ...]]:
        """Return which texts of which other parameters a parameter needs; empty where it always counts."""
        parameter = self[name]
        return dict(parameter.conditions) if isinstance(parameter, Conditional) else {}

    def does_count(self, name: str, texts: Mapping[str, str]) -> bool:
        """Return whether a parameter counts, given the texts of those that it depends on."""
        return all(texts.get(other) in needed for other, needed in self.conditions(name).items())

    def ordered(self) -> list[str]:
        """Return the names, each after those that it depends on."""
        return _ordered(self)

    def draw(self, text_of: Callable[[str, Number | Choice], str]) -> dict[str, str]:
        """Return an assignment: the text of each parameter that counts, asked for in an order that allows it.

        Parameters
        ----------
        text_of : callable
            Gives a parameter's text from its name and the parameter.
        """
        drawn: dict[str, str] = {}
        for name in self.ordered():
            if self.does_count(name, drawn):
                drawn[name] = text_of(name, self.parameter(name))
        return {name: drawn[name] for name in self if name in drawn}

    def choose(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Return those of the texts, one for each parameter, whose parameters count."""
        return self.draw(lambda name, _: texts[name])

    def values_of(self, assignment: Mapping[str, str]) -> dict[str, Value]:
        """Return an assignment's values as what they are; names that are not in the space stay texts."""
        return {
            name: self.parameter(name).value(text) if name in self else text
            for name, text in assignment.items()
        }

    def texts_of(self, values: Mapping[str, Value]) -> dict[str, str]:
        """Return values as an assignment's texts."""
        return {name: self.parameter(name).text(value) for name, value in values.items()}

    def to_katib(self) -> list[dict[str, Any]]:
        """Return an Experiment's ``spec.parameters``; see `conditions_json` for what they cannot say."""
        return [{"name": name, **self.parameter(name).to_katib()} for name in self]

    def conditions_json(self) -> str | None:
        """Return the value of `CONDITIONS_ANNOTATION`; None where no parameter depends on another."""
        found = {
            name: {other: list(texts) for other, texts in self.conditions(name).items()}
            for name in self
            if self.conditions(name)
        }
        return json.dumps(found) if found else None

    @staticmethod
    def from_katib(parameters: list[dict[str, Any]], conditions_json: str | None = None) -> Space:
        """Return the space that an Experiment's ``spec.parameters`` describe.

        Raises
        ------
        SpaceError
            If one cannot be understood, or a name comes twice.
        """
        conditions = _read_conditions(conditions_json)
        found: dict[str, Parameter] = {}
        for entry in parameters:
            name = str(entry.get("name", ""))
            if name in found:
                raise SpaceError("it is twice in spec.parameters", "Give each a name of its own.", name)
            parameter = _from_katib(name, entry)
            needs = conditions.pop(name, None)
            found[name] = Conditional(parameter, needs) if needs else parameter
        if conditions:
            names = ", ".join(sorted(conditions))
            raise SpaceError(
                f"the annotation {CONDITIONS_ANNOTATION} names {names}, not in spec.parameters",
                "Take it out of the annotation, or add the parameter.",
            )
        return Space(found)


def _check(space: Space) -> None:
    if not space.entries:
        raise SpaceError("the space has no parameters", "Write space={'lr': log(1e-5, 1e-1)}.")
    for name, parameter in space.entries:
        if not isinstance(name, str) or not name:
            raise SpaceError(f"{name!r} cannot name a parameter", "Use the function's argument names.")
        if not isinstance(parameter, Number | Choice | Conditional):
            raise SpaceError(
                f"{parameter!r} is no parameter",
                "Use uniform(), log(), integer(), normal() or choice(); pass a fixed value as an argument.",
                name,
            )
        for other, texts in space.conditions(name).items():
            _check_condition(space, name, other, texts)
    _ordered(space)


def _check_condition(space: Space, name: str, other: str, texts: tuple[str, ...]) -> None:
    if other not in space:
        raise SpaceError(
            f"it depends on {other}, which is not in the space", f"Choose one of: {', '.join(space)}.", name
        )
    needed = space.parameter(other)
    if not isinstance(needed, Choice):
        raise SpaceError(f"it depends on {other}, which is a number", f"Make {other} a choice().", name)
    missing = [text for text in texts if text not in needed.texts]
    if missing or not texts:
        raise SpaceError(
            f"it needs {other}={' or '.join(missing) or '(nothing)'}, which {other} never is",
            f"Choose among: {', '.join(needed.texts)}.",
            name,
        )


def _ordered(space: Space) -> list[str]:
    """Return the names, each after those that it depends on."""
    ordered: dict[str, None] = {}
    waiting = list(space)
    while waiting:
        ready = [name for name in waiting if all(other in ordered for other in space.conditions(name))]
        if not ready:
            raise SpaceError(
                f"{', '.join(waiting)} depend on each other in a circle", "Take one of the conditions away."
            )
        ordered.update(dict.fromkeys(ready))
        waiting = [name for name in waiting if name not in ordered]
    return list(ordered)


def _from_katib(name: str, entry: Mapping[str, Any]) -> Number | Choice:
    kind = entry.get("parameterType")
    feasible = entry.get("feasibleSpace") or {}
    try:
        if kind in ("categorical", "discrete"):
            return Choice(tuple(str(text) for text in feasible.get("list") or ()), kind)
        if kind in ("double", "int"):
            return _number_from_katib(kind, feasible)
    except SpaceError as error:
        raise SpaceError(error.problem, error.remedy, name) from None
    raise SpaceError(
        f"parameterType {kind!r} is not known", "Choose one of: double, int, discrete, categorical.", name
    )


def _number_from_katib(kind: Any, feasible: Mapping[str, Any]) -> Number:
    read = _whole if kind == "int" else float
    try:
        low, high = read(feasible.get("min", "")), read(feasible.get("max", ""))
        step = read(feasible["step"]) if feasible.get("step") else (1 if kind == "int" else None)
    except (TypeError, ValueError):
        raise SpaceError(
            f"feasibleSpace {dict(feasible)} has bounds that are no {'whole ' * (kind == 'int')}numbers",
            "Write min, max and step as texts of numbers, such as '0.001'.",
        ) from None
    distribution: Any = feasible.get("distribution")
    return Number(kind, low, high, step, "uniform" if distribution in _UNSAID else distribution)


def _whole(text: Any) -> int:
    return int(str(text))


def _read_conditions(text: str | None) -> dict[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    if not text:
        return {}
    try:
        return {
            name: tuple((other, tuple(map(str, texts))) for other, texts in needs.items())
            for name, needs in json.loads(text).items()
        }
    except (ValueError, AttributeError, TypeError):
        raise SpaceError(
            f"the annotation {CONDITIONS_ANNOTATION} holds {text!r}",
            'Write {"momentum": {"optimizer": ["sgd"]}}.',
        ) from None
