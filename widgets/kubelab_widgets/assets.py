"""The panels' JavaScript and style sheet, as text.

A widget's module reaches the page as one string, so the files of a panel are joined here: each import of
a neighbour (``from "./chart.js"``) is replaced by that file. Text rather than paths, because anywidget
watches paths and then keeps closed widgets alive (anywidget issue 929). No bundler, no network.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(?P<name>\w+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?:const|let|class|function) (?P<name>\w+)", re.MULTILINE)


@cache
def module(name: str) -> str:
    """Return an ES module with the neighbours it imports, each once, before what uses them."""
    parts: dict[str, str] = {}
    _collect(name, parts)
    last = parts.pop(name)
    return "\n".join([*map(_scoped, parts.values()), last])


@cache
def style(name: str) -> str:
    """Return a style sheet."""
    return (_HERE / name).read_text(encoding="utf-8")


def _collect(name: str, parts: dict[str, str]) -> None:
    text = (_HERE / name).read_text(encoding="utf-8")
    for found in _IMPORT.finditer(text):
        if found["name"] not in parts:
            _collect(found["name"], parts)
    parts[name] = _IMPORT.sub("", text)


def _scoped(text: str) -> str:
    """Return a neighbour as an expression that gives what it exports; its other names stay its own."""
    names = ", ".join(found["name"] for found in _EXPORT.finditer(text))
    body = re.sub(r"^export ", "", text, flags=re.MULTILINE)
    return f"const {{ {names} }} = (() => {{\n{body}\nreturn {{ {names} }};\n}})();\n"
