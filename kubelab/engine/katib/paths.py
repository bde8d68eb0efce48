"""The part of GJSON's path language that success and failure conditions are written in.

Katib asks ``status.conditions.#(type=="Complete")#|#(status=="True")#`` of a run. Known here: fields and
positions with dots and pipes, ``#(…)`` for the first and ``#(…)#`` for all that fit, ``#`` for each,
``@this`` and ``[@this]``, and comparisons of a field with a text, a number, true, false or null. Anything
else is refused by name. The language: https://github.com/tidwall/gjson/blob/master/SYNTAX.md.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kubelab.errors import KubelabError

MISSING = object()
"""What a path finds where there is nothing."""

_QUERY = re.compile(r"#\((?P<field>[^=!<>%~#]*?)\s*(?P<sign>==|!=|<=|>=|<|>|=)\s*(?P<value>.+)\)(?P<all>#?)")
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS = {True: "true", False: "false", None: "null"}


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
            f"the condition {path!r} has {problem}. Known are fields with dots and pipes, #, @this, "
            '#(field==value) and #(field==value)#, as in status.conditions.#(type=="Complete")#.'
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """One step of a path; ``piped`` says that a pipe comes before it, ``query`` is what fits."""

    text: str
    piped: bool
    query: _Query | None = None

    @property
    def is_each(self) -> bool:
        """Whether what follows a dot is asked of each element that it finds."""
        return self.text == "#" or (self.query is not None and self.query.finds_all)


@dataclass(frozen=True, slots=True)
class _Query:
    field: str
    sign: str
    value: str
    finds_all: bool

    def fits(self, element: Any) -> bool:
        """Say whether an element has what is asked for."""
        found = _walk(element, _parse(self.field)) if self.field else element
        compare, quoted = _SIGNS[self.sign], self.value[:1] == self.value[-1:] == '"'
        if found is MISSING:
            return False
        if isinstance(found, str):
            return compare(found, self.value[1:-1] if quoted else self.value)
        if found is None or isinstance(found, bool):
            return compare(_WORDS[found], self.value)
        number = _number(self.value)
        if isinstance(found, int | float) and number is not None:
            return compare(found, number)
        return self.sign == "!="


def find(document: Any, path: str) -> Any:
    """Return what a path finds in a JSON document, or `MISSING`.

    Raises
    ------
    PathError
        If the path is not one that is known.
    """
    return _walk(document, _parse(path))


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
    if isinstance(found, list) and found:
        return found[0] if isinstance(found[0], dict) else {}
    return found if isinstance(found, dict) else None


def _parse(path: str) -> list[_Part]:
    return [_part(text, piped, path) for text, piped in _split(path)]


def _split(path: str) -> Iterator[tuple[str, bool]]:
    text, piped, depth, quoted, escaped = "", False, 0, False, False
    for character in path:
        if escaped or (character == "\\" and not quoted):
            text += character if escaped else ""
            escaped = not escaped
            continue
        quoted ^= character == '"'
        if not quoted:
            depth += (character in "([") - (character in ")]")
        if character in ".|" and depth == 0 and not quoted:
            yield text, piped
            text, piped = "", character == "|"
        else:
            text += character
    if depth or quoted or not path:
        raise PathError(path, "a bracket or a quote that is not closed" if path else "no text")
    yield text, piped


def _part(text: str, piped: bool, path: str) -> _Part:
    if text in {"#", "@this", "[@this]"}:
        return _Part(text, piped)
    query = _QUERY.fullmatch(text)
    if query is not None:
        field, value = query["field"].strip(), query["value"].strip()
        return _Part(text, piped, _Query(field, query["sign"], value, bool(query["all"])))
    if not text or text[0] in "@!" or any(character in text for character in "#*?{}()[]"):
        raise PathError(path, f"the part {text!r}, which is not known")
    return _Part(text, piped)


def _walk(value: Any, parts: Sequence[_Part]) -> Any:
    for position, part in enumerate(parts):
        rest = parts[position + 1 :]
        if part.is_each and rest and not rest[0].piped:
            found = (_walk(each, rest) for each in _fitting(value, part))
            return [each for each in found if each is not MISSING]
        value = _step(value, part)
        if value is MISSING:
            return MISSING
    return value


def _step(value: Any, part: _Part) -> Any:
    if part.text.endswith("@this") or part.text == "[@this]":
        return value if part.text == "@this" else [value]
    if part.text == "#":
        return len(value) if isinstance(value, list) else MISSING
    if part.query is not None:
        fitting = _fitting(value, part)
        return fitting if part.query.finds_all else next(iter(fitting), MISSING)
    if isinstance(value, dict):
        return value.get(part.text, MISSING)
    is_position = isinstance(value, list) and part.text.isdigit() and int(part.text) < len(value)
    return value[int(part.text)] if is_position else MISSING


def _fitting(value: Any, part: _Part) -> list[Any]:
    elements = value if isinstance(value, list) else []
    return [each for each in elements if part.query is None or part.query.fits(each)]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
