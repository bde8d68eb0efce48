"""What can be wrong with a catalogue, a price file, or a question to them."""

from __future__ import annotations

from kubelab.errors import KubelabError


class CatalogueError(KubelabError, ValueError):
    """The base of what can be wrong with a catalogue."""


class UnknownInstanceTypeError(CatalogueError, KeyError):
    """The catalogue has no such instance type.

    Attributes
    ----------
    name : str
        What was asked for.
    close : tuple of str
        Names that it has and that look like it, the most similar first.
    """

    def __init__(self, name: str, close: tuple[str, ...], catalogue: str) -> None:
        self.name = name
        self.close = close
        remedy = (
            f"Did you mean {' or '.join(close)}?"
            if close
            else "`kubelab catalogue list` shows what there is."
        )
        super().__init__(f"the {catalogue} has no instance type {name!r}. {remedy}")

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show it in quotes


class PriceFileError(CatalogueError):
    """A price file cannot be used.

    Attributes
    ----------
    file : str
        Its name.
    line : int
        Counted from 1; 0 where it is about the whole file.
    field : str
        The column; "" where it is about the whole line.
    """

    def __init__(self, file: str, problem: str, *, line: int = 0, field: str = "", remedy: str = "") -> None:
        self.file = file
        self.line = line
        self.field = field
        self.problem = problem
        place = f", line {line}" if line else ""
        column = f", {field}" if field else ""
        super().__init__(f"{file}{place}{column}: {problem}." + (f" {remedy}" if remedy else ""))


class SelectionError(CatalogueError):
    """An expression does not select instance types.

    Attributes
    ----------
    expression : str
        In the Common Expression Language.
    """

    def __init__(self, expression: str, problem: str, variables: tuple[str, ...]) -> None:
        self.expression = expression
        super().__init__(
            f"{expression!r} does not select instance types: {problem}. "
            f"Write a condition on {', '.join(variables)}, such as \"vcpu >= 8 && arch == 'arm64'\"."
        )
