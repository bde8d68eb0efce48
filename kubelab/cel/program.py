"""The Common Expression Language, with the functions that Kubernetes adds to it.

Upstream's libraries (``k8s.io/apiserver/pkg/cel/library``): strings, lists, regex, quantities.
The evaluator is the ``common-expression-language`` package's extension module, loaded without the package's
command line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from kubelab.cel.cost import EXCEEDED, cost_of
from kubelab.cel.functions import FUNCTIONS
from kubelab.errors import KubelabError

Program = Callable[[Mapping[str, Any]], Any]

# Identifiers of CEL that a field may also be called (upstream: celReservedSymbols).
_RESERVED = frozenset(
    {
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
        "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
    }
)  # fmt: skip


# Functions and macros that the evaluator itself has.
_BUILTIN = frozenset(
    {
        "all", "bool", "bytes", "contains", "double", "duration", "dyn", "endsWith", "exists", "exists_one",
        "filter", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours",
        "getMilliseconds", "getMinutes", "getMonth", "getSeconds", "has", "int", "map", "matches", "size",
        "startsWith", "string", "timestamp", "type", "uint",
    }
)  # fmt: skip


class CelError(KubelabError):
    """An expression does not compile, or could not be evaluated."""


@cache
def program(expression: str) -> Program:
    """Return a compiled expression, to be called with its variables.

    Raises
    ------
    CelError
        If it does not compile; the program raises it if it cannot be evaluated, or not soon.
    """
    module = _evaluator()
    try:
        compiled = module.compile(expression)
    except ValueError as error:
        raise CelError(f"compilation failed: {error}") from None
    called = set(re.findall(r"(\w+)\s*\(", _without_strings(expression)))
    for name in sorted(called - FUNCTIONS.keys() - _BUILTIN - _RESERVED):
        raise CelError(f"compilation failed: undeclared reference to '{name}' (in container '')")
    functions = {name: FUNCTIONS[name] for name in called & FUNCTIONS.keys()}

    cost = cost_of(_without_strings(expression))

    def run(variables: Mapping[str, Any]) -> Any:
        if cost.exceeds(variables):
            raise CelError(EXCEEDED)
        context = module.Context(variables=dict(variables), functions=functions)
        try:
            return compiled.execute(context)
        except KeyError as error:
            raise CelError(f"no such key: {error.args[0]}") from None
        except Exception as error:  # noqa: BLE001 - whatever the evaluator or a function raised
            raise CelError(str(error)) from None

    return run


def compile_problem(expression: str) -> str:
    """Return why an expression does not compile; empty if it does."""
    try:
        program(expression)
    except CelError as error:
        return str(error)
    return ""


@cache
def mentions(expression: str, identifier: str) -> bool:
    """Tell whether an expression uses a variable."""
    return re.search(rf"(?<![\w.]){identifier}\b", _without_strings(expression)) is not None


def _without_strings(expression: str) -> str:
    return re.sub(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", "''", expression)


def escape(field: str) -> str:
    """Return how an expression spells a field's name (upstream: ``cel.Escape``)."""
    if field in _RESERVED:
        return f"__{field}__"
    for text, spelled in (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")):
        field = field.replace(text, spelled) if text != "__" or "__" in field else field
    return field


@cache
def _evaluator() -> ModuleType:
    package = find_spec("cel")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for suffix in EXTENSION_SUFFIXES:
            file = Path(folder, f"cel{suffix}")
            if file.is_file():
                spec = spec_from_file_location("cel", file)
                if spec is not None and spec.loader is not None:
                    module = module_from_spec(spec)
                    spec.loader.exec_module(module)
                    return module
    raise CelError("CEL rules need the package common-expression-language: pip install it")
