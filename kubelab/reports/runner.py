"""Run a notebook with parameters, strictly, and turn it into one HTML file that needs no network."""

from __future__ import annotations

import ast
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubelab.errors import KubelabError
from kubelab.reports.html import to_html

_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
_ANY = ("literal", "NoneType")
_WORDS = {"true": True, "false": False, "True": True, "False": False}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One line of a notebook's ``parameters`` cell: ``steps: int = 300  # training steps``.

    A comment that ends with ``(required)`` says that the default will not do.
    """

    name: str
    type: str
    default: str
    help: str

    def __str__(self) -> str:
        about = f"  # {self.help}" if self.help else ""
        return f"{self.name}: {self.type} = {self.default}{about}"


class ParameterError(KubelabError, ValueError):
    """A parameter is unknown, ill-typed or missing."""

    def __init__(self, problem: str, known: list[Parameter]) -> None:
        self.known = known
        lines = "".join(f"\n  {parameter}" for parameter in known) or " none"
        super().__init__(f"{problem} The notebook's parameters are:{lines}")


class ReportFailedError(KubelabError):
    """A cell of the notebook raised.

    Attributes
    ----------
    cell : int
        Its execution count.
    ename, evalue : str
        The exception's name and message.
    """

    def __init__(self, cell: int, ename: str, evalue: str) -> None:
        self.cell = cell
        self.ename = ename
        self.evalue = evalue
        super().__init__(f"cell [{cell}] of the report raised {ename}: {evalue}")


def parameters(notebook: Path) -> list[Parameter]:
    """Return what the cell tagged ``parameters`` declares."""
    import papermill
    from nbformat.reader import NotJSONError
    from nbformat.validator import ValidationError

    try:
        entries = papermill.inspect_notebook(str(notebook)).values()
    except (NotJSONError, ValidationError, KeyError) as error:
        raise KubelabError(f"{notebook} is not a notebook: {str(error)[:200]}") from None
    return [
        Parameter(
            name=entry["name"],
            type=_type(entry["inferred_type_name"], entry["default"]),
            default=entry["default"],
            help=entry["help"],
        )
        for entry in entries
    ]


def parse(given: Mapping[str, str], known: list[Parameter]) -> dict[str, Any]:
    """Return typed values for the texts of ``-p key=value``.

    Raises
    ------
    ParameterError
        If a name is unknown, a text is not of its type, or a required one is missing.
    """
    by_name = {parameter.name: parameter for parameter in known}
    for name in given:
        if name not in by_name:
            raise ParameterError(f"unknown parameter {name!r}.", known)
    for parameter in known:
        if parameter.help.endswith("(required)") and not given.get(parameter.name):
            raise ParameterError(f"parameter {parameter.name!r} is needed.", known)
    return {name: _value(by_name[name], text, known) for name, text in given.items()}


def run_report(notebook: Path, given: Mapping[str, str], html: Path, *, title: str | None = None) -> Path:
    """Execute a notebook with parameters and write it as self-contained HTML, code hidden.

    Returns
    -------
    Path
        The HTML file.

    Raises
    ------
    ParameterError
        Before anything runs, if a parameter is unknown or ill-typed.
    ReportFailedError
        If a cell raised; the HTML up to that cell is written all the same.
    """
    import papermill

    values = parse(given, parameters(notebook))
    _check_target(html)
    with tempfile.TemporaryDirectory() as scratch:
        executed = Path(scratch) / notebook.name
        failure: ReportFailedError | None = None
        try:
            with _figures_as_html():
                papermill.execute_notebook(
                    str(notebook),
                    str(executed),
                    values,
                    cwd=str(Path.cwd()),
                    progress_bar=False,
                    extra_arguments=["--IPKernelApp.log_level=40"],
                )
        except papermill.PapermillExecutionError as error:
            failure = ReportFailedError(error.exec_count, error.ename, error.evalue)
        html.write_text(to_html(executed, title=title or notebook.stem), encoding="utf-8")
    if failure:
        raise failure
    return html


def _check_target(html: Path) -> None:
    """Find out that the report cannot be written before it is run."""
    html.parent.mkdir(parents=True, exist_ok=True)
    if html.is_dir() or not os.access(html if html.exists() else html.parent, os.W_OK):
        raise KubelabError(f"{html} cannot be written. Name a file in a folder of yours with --html.")


@contextmanager
def _figures_as_html() -> Iterator[None]:
    """Have plotly put its figures, and its library once, into the page."""
    before = os.environ.get("PLOTLY_RENDERER")
    os.environ["PLOTLY_RENDERER"] = "notebook"
    try:
        yield
    finally:
        os.environ.pop("PLOTLY_RENDERER")
        if before is not None:
            os.environ["PLOTLY_RENDERER"] = before


def _type(declared: str, default: str) -> str:
    if declared in _TYPES:
        return declared
    try:
        return type(ast.literal_eval(default)).__name__
    except (ValueError, SyntaxError):  # an expression: only running it would tell
        return "literal"


def _value(parameter: Parameter, text: str, known: list[Parameter]) -> Any:
    try:
        if parameter.type == "bool":
            return _WORDS[text]
        if parameter.type in _TYPES:
            return _TYPES[parameter.type](text)
        return _literal(text, parameter.type)
    except (KeyError, ValueError, SyntaxError):
        problem = f"{parameter.name}={text!r} is not of type {parameter.type}."
        raise ParameterError(problem, known) from None


def _literal(text: str, type_name: str) -> Any:
    value = ast.literal_eval(text)
    if type_name not in {type(value).__name__, *_ANY}:
        raise ValueError(text)
    return value
