"""What a function refers to: the names, values and modules that have to travel with it."""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that a function needs, and how it is reached.

    Parameters
    ----------
    name : str
        What the code calls it.
    owner : str
        The function or class whose code names it.
    value : object
        What it is.
    """

    name: str
    owner: str
    value: Any


def references(function: Any) -> Iterator[Reference]:
    """Yield what a callable reaches by name, following functions and classes that travel by value."""
    home = home_of(function)
    seen: set[int] = set()
    waiting: list[Any] = [function]
    while waiting:
        owner = waiting.pop()
        if id(owner) in seen:
            continue
        seen.add(id(owner))
        for name, value in _named(owner):
            yield Reference(name, _title(owner), value)
            if travels_by_value(value, home):
                waiting.append(value)


def imported_names(function: Any) -> set[str]:
    """Return the modules that import statements inside the travelling functions name."""
    found: set[str] = set()
    for code in codes(function):
        found |= {str(step.argval) for step in dis.get_instructions(code) if step.opname == "IMPORT_NAME"}
    return found


def codes(function: Any) -> list[CodeType]:
    """Return the code of a callable and of all functions and classes that travel with it."""
    home = home_of(function)
    owners = [function, *(ref.value for ref in references(function) if travels_by_value(ref.value, home))]
    return [code for owner in owners for body in _functions(owner) for code in _nested(body.__code__)]


def home_of(function: Any) -> str:
    """Return the name of the module that a function was written in."""
    return str(getattr(_unwrapped(function), "__module__", None) or "__main__")


def travels_by_value(value: Any, home: str) -> bool:
    """Return whether cloudpickle sends the definition rather than a module's name.

    Parameters
    ----------
    value : object
        What is sent.
    home : str
        The training function's own module: what it defines travels by value, so that the module's
        other statements, such as starting a cluster, do not run in the pod.
    """
    value = _unwrapped(value)
    if not isinstance(value, FunctionType | type):
        return False
    module = sys.modules.get(value.__module__)
    if module is None or value.__module__ in {"__main__", home}:
        return True
    found: Any = module
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is not value


def _named(owner: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(owner, functools.partial):
        yield from ((f"argument {i}", value) for i, value in enumerate(owner.args))
        yield from owner.keywords.items()
        yield "func", owner.func
    if isinstance(owner, type):
        yield from ((base.__name__, base) for base in owner.__bases__)
    for function in _functions(owner):
        yield from _free_names(function)


def _free_names(function: FunctionType) -> Iterator[tuple[str, Any]]:
    for code in _nested(function.__code__):
        yield from (
            (name, function.__globals__[name]) for name in code.co_names if name in function.__globals__
        )
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not yet assigned
            continue
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            yield f"{name} (a default)", parameter.default


def _functions(owner: Any) -> list[FunctionType]:
    owner = _unwrapped(owner)
    if isinstance(owner, FunctionType):
        return [owner]
    members = vars(owner).values() if isinstance(owner, type) else ()
    return [member for member in map(_unwrapped, members) if isinstance(member, FunctionType)]


def _unwrapped(value: Any) -> Any:
    """Return the function inside a method, property, static method or decorated function."""
    if isinstance(value, functools.partial):
        value = value.func
    if isinstance(value, property):
        value = value.fget
    if isinstance(value, MethodType | staticmethod | classmethod):
        value = value.__func__
    # jax.jit and functools.wraps leave the original here.
    inner = None if isinstance(value, type | ModuleType) else getattr(value, "__wrapped__", None)
    return inner if isinstance(inner, FunctionType) else value


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _title(owner: Any) -> str:
    return str(getattr(_unwrapped(owner), "__name__", type(owner).__name__))
