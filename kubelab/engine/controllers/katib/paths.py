"""The part of GJSON's path language that success and failure conditions are written in.

Katib asks ``status.conditions.#(type=="Complete")#|#(status=="True")#`` of a run. Known here: fields and
positions with dots and pipes, ``#(…)`` for the first and ``#(…)#`` for all that fit, ``#`` for each, ``@this``,
and comparisons of a field with a text, a number, true, false or null. Anything else is refused by name.
The language: https://github.com/tidwall/gjson/blob/master/SYNTAX.md.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kubelab.errors import KubelabError

MISSING = object()
"""What a path finds where there is nothing."""

_QUERY = re.compile(r"""^(?P<field>[^=!<>%~]*?)\s*(?P<operator>==|!=|<=|>=|<|>|=)\s*(?P<value>.+)$""")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class PathError(KubelabError):
    """A condition that is written in what kubelab does not know of GJSON.

    Parameters
    ----------
    path : str
        The whole condition.
    problem : str
        What of it is not known.
    """

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(
            f"the condition {path!r} has {problem}. Known are fields with dots and pipes, #, #(field==value), "
            '#(field==value)# and @this, as in status.conditions.#(type=="Complete")#|#(status=="True")#.'
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """One step of a path; ``piped`` says that a pipe comes before it."""

    text: str
    piped: bool


def find(document: Any, path: str) -> Any:
    """Return what a path finds in a JSON document, or `MISSING`.

    Raises
    ------
    PathError
        If the path is not one that is known.
    """
    parts = _split(path)
    for part in parts:
        _check(part.text, path)
    return _walk(document, parts)


def match(document: Any, path: str) -> dict[str, Any] | None:
    """Return the first object that a condition finds, or None where it does not hold.

    As in Katib an object or a list that is not empty counts, nothing else. A list of other things gives an
    empty object.

    Raises
    ------
    PathError
        If the path is not one that is known.
    """
    found = find(document, path)
    if isinstance(found, list):
        found = found[0] if found else MISSING
        return found if isinstance(found, dict) else None if found is MISSING else {}
    return found if isinstance(found, dict) else None


def _split(path: str) -> list[_Part]:
    parts: list[_Part] = []
    text, piped, depth, quoted, escaped = "", False, 0, False, False
    for character in path:
        if escaped:
            text, escaped = text + character, False
            continue
        if character == "\\" and not quoted:
            escaped = True
            continue
        quoted ^= character == '"'
        depth += (character in "([") - (character in ")]") if not quoted else 0
        if character in ".|" and depth == 0 and not quoted:
            parts.append(_Part(text, piped))
            text, piped = "", character == "|"
        else:
            text += character
    if depth or quoted or not path:
        raise PathError(path, "a bracket or a quote that is not closed" if path else "no text")
    return [*parts, _Part(text, piped)]


def _check(text: str, path: str) -> None:
    if text in {"#", "@this", "[@this]"}:
        return
    if text.startswith("#("):
        inner = text.removesuffix("#")
        if not inner.endswith(")") or not _QUERY.match(inner[2:-1]) or "#" in _QUERY.match(inner[2:-1])["field"]:  # type: ignore[index]
            raise PathError(path, f"the query {text!r}, which is not known")
        return
    if not text or text[0] in "@!{[#" or any(character in text for character in "*?{}()[]"):
        raise PathError(path, f"the part {text!r}, which is not known")


def _walk(value: Any, parts: list[_Part]) -> Any:
    for position, part in enumerate(parts):
        rest = parts[position + 1 :]
        is_each = part.text == "#" or (part.text.startswith("#(") and part.text.endswith("#"))
        if part.text.startswith("#") and not isinstance(value, list):
            return MISSING
        if is_each and rest and not rest[0].piped:
            found = (_walk(each, rest) for each in _all(value, part.text))
            return [each for each in found if each is not MISSING]
        value = _step(value, part.text)
        if value is MISSING:
            return MISSING
    return value


def _step(value: Any, text: str) -> Any:
    if text == "@this":
        return value
    if text == "[@this]":
        return [value]
    if text == "#":
        return len(value)
    if text.startswith("#("):
        fitting = _all(value, text)
        return fitting if text.endswith("#") else fitting[0] if fitting else MISSING
    if isinstance(value, dict):
        return value.get(text, MISSING)
    if isinstance(value, list) and text.isdigit() and int(text) < len(value):
        return value[int(text)]
    return MISSING


def _all(values: list[Any], text: str) -> list[Any]:
    if text == "#":
        return values
    query = _QUERY.match(text.removesuffix("#")[2:-1])
    assert query is not None, text  # _check has seen it
    field = query["field"].strip()
    fits = _comparison(query["operator"], query["value"].strip())
    return [each for each in values if fits(_walk(each, _split(field)) if field else each)]


def _comparison(sign: str, wanted: str) -> Callable[[Any], bool]:
    compare = _OPERATORS[sign]
    text = wanted[1:-1] if len(wanted) > 1 and wanted[0] == wanted[-1] == '"' else wanted

    def fits(value: Any) -> bool:
        if isinstance(value, str):
            return compare(value, text)
        if isinstance(value, bool) or value is None:
            return compare({True: "true", False: "false", None: "null"}[value], wanted)
        if isinstance(value, int | float):
            number = _number(wanted)
            return sign == "!=" if number is None else compare(value, number)
        return sign == "!=" and value is not MISSING

    return fits


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
