"""The launch form: which fields it has, from a function's signature, and what was entered, as values."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from types import FunctionType
from typing import Any, Literal, get_args, get_origin

from kubelab.errors import KubelabError
from kubelab.quantities import cpu_millicores, whole
from kubelab.training.launch import DEFAULT_CHECKPOINT_EVERY, DEFAULT_RESOURCES

TrainFunction = Callable[..., object]
FieldKind = Literal["int", "float", "bool", "text", "choice", "literal"]

_MEANINGS = {
    "int": "a whole number",
    "float": "a number",
    "literal": "a Python value such as 3 or [1, 2]",
}


class FieldError(KubelabError, ValueError):
    """A field of the form holds something that it cannot mean.

    Attributes
    ----------
    field : str
        The field's name.
    """

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: what it is called, what it holds, and how it is read."""

    name: str
    label: str
    kind: FieldKind
    value: str | bool
    choices: tuple[str, ...] = ()
    placeholder: str = ""


def functions_in(namespace: Mapping[str, object]) -> dict[str, TrainFunction]:
    """Return the functions of a notebook that speak of ``training``: those a form can offer."""
    return {
        name: value
        for name, value in namespace.items()
        if isinstance(value, FunctionType) and not name.startswith("_") and "training" in _names_used(value)
    }


def describe(functions: Iterable[TrainFunction], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form as the page builds it.

    Parameters
    ----------
    functions : iterable of callable
        What can be launched.
    defaults : mapping
        Options of `kubelab.Cluster.train` that the fields start with; ``args`` for hyperparameters.
    """
    args = defaults.get("args") or {}
    return {
        "fields": [asdict(field) for field in job_fields(defaults)],
        "functions": [
            {"name": _name(fn), "fields": [asdict(field) for field in hyperparameters(fn, args)]}
            for fn in functions
        ],
    }


def job_fields(defaults: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return the fields that every job has."""
    resources = {**DEFAULT_RESOURCES, **(defaults.get("resources") or {})}
    every = defaults.get("checkpoint_every", DEFAULT_CHECKPOINT_EVERY)
    return (
        Field("num_nodes", "Processes", "int", str(defaults.get("num_nodes", 2))),
        Field("cpu", "CPU each", "text", str(resources["cpu"])),
        Field("memory", "Memory each", "text", str(resources["memory"])),
        Field("checkpoint_every", "Checkpoint every", "int", str(every or ""), placeholder="never (steps)"),
    )


def hyperparameters(fn: TrainFunction, args: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return a field for each parameter of a function, with its default or the one given in ``args``."""
    return tuple(_field(parameter, args) for parameter in _parameters(fn).values())


def options_of(values: Mapping[str, Any], fn: TrainFunction, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of `kubelab.Cluster.train` for what was entered.

    Raises
    ------
    FieldError
        Naming the first field that holds nothing sensible.
    """
    entered = values.get("args") or {}
    resources = {name: _quantity(name, str(values[name]).strip()) for name in ("cpu", "memory")}
    every = str(values.get("checkpoint_every", "")).strip()
    return {
        **defaults,
        "num_nodes": _whole("num_nodes", values["num_nodes"]),
        "resources": {**(defaults.get("resources") or {}), **resources},
        "checkpoint_every": _whole("checkpoint_every", every) if every else None,
        "args": {
            name: _read(_field(parameter, {}), parameter, entered[name])
            for name, parameter in _parameters(fn).items()
            if name in entered
        },
    }


def _parameters(fn: TrainFunction) -> dict[str, inspect.Parameter]:
    return {
        name: parameter
        for name, parameter in inspect.signature(fn).parameters.items()
        if parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
    }


def _field(parameter: inspect.Parameter, args: Mapping[str, Any]) -> Field:
    name = parameter.name
    default = args.get(name, None if parameter.default is parameter.empty else parameter.default)
    if choices := _choices(parameter):
        return Field(name, name, "choice", str(default), tuple(map(str, choices)))
    match default:
        case bool():
            return Field(name, name, "bool", value=default)
        case int() if parameter.annotation is not float:
            return Field(name, name, "int", str(default))
        case int() | float():
            return Field(name, name, "float", str(default))
        case str():
            return Field(name, name, "text", default)
    value = "" if default is None else repr(default)
    return Field(name, name, "literal", value, placeholder="a Python value")


def _choices(parameter: inspect.Parameter) -> tuple[Any, ...]:
    return get_args(parameter.annotation) if get_origin(parameter.annotation) is Literal else ()


def _read(field: Field, parameter: inspect.Parameter, text: str | bool) -> Any:
    try:
        match field.kind:
            case "bool":
                return bool(text)
            case "int":
                return int(text)
            case "float":
                return float(text)
            case "literal":
                return None if text == "" else ast.literal_eval(str(text))
            case "choice":
                return next(choice for choice in _choices(parameter) if str(choice) == text)
    except (ValueError, SyntaxError):
        raise FieldError(field.name, f"{text!r} is not {_MEANINGS[field.kind]}.") from None
    return text


def _whole(field: str, text: Any) -> int:
    try:
        value = int(text)
    except ValueError:
        raise FieldError(field, f"{text!r} is not a whole number.") from None
    if value < 1:
        raise FieldError(field, f"{value} is too few: at least 1.")
    return value


def _quantity(field: str, text: str) -> str:
    try:
        amount = cpu_millicores(text) if field == "cpu" else whole(text)
    except ValueError:
        example = "500m or 2" if field == "cpu" else "512Mi or 1Gi"
        raise FieldError(field, f"{text!r} is not a quantity such as {example}.") from None
    if amount <= 0:
        raise FieldError(field, f"{text} is too little.")
    return text


def _name(fn: TrainFunction) -> str:
    return str(getattr(fn, "__name__", "function"))


def _names_used(fn: FunctionType) -> set[str]:
    return {*fn.__code__.co_names, *fn.__code__.co_varnames}
