"""The simple JSONPath of CRD printer columns: ``.status.conditions[?(@.type=="Ready")].status``.

Fields (with escaped dots or in brackets), indices, slices, wildcards and one comparison as a filter, as
client-go's ``util/jsonpath`` reads them.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import orjson

_TOKEN = re.compile(
    r"""\.?(?P<star>\*)
    |\.(?P<field>(?:\\.|[^.\[\]\\])+)
    |\[\s*'(?P<quoted>[^']*)'\s*\]
    |\[\s*"(?P<double>[^"]*)"\s*\]
    |\[\s*(?P<every>\*)\s*\]
    |\[\s*(?P<index>-?\d{1,18})\s*\]
    |\[\s*(?P<start>-?\d{0,18})\s*:\s*(?P<end>-?\d{0,18})\s*(?::\s*(?P<step>\d{1,18}))?\s*\]
    |\[\?\(\s*@(?P<left>[^=!<>\s]*)\s*(?:(?P<op>==|!=|<=|>=|<|>)\s*(?P<right>.+?))?\s*\)\]
    """,
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

Step = Callable[[Any], Iterable[Any]]


def find(document: Any, path: str) -> list[Any]:
    """Return the values at a path, none if it leads nowhere or is malformed."""
    values = [document]
    for step in _steps(path.strip().removeprefix("{").removesuffix("}")):
        values = [found for value in values for found in step(value)]
    return values


@lru_cache(1024)
def _steps(path: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    position = 1 if path.startswith(("$", "@")) else 0
    text = path if path[position : position + 1] in (".", "[") else f".{path[position:]}"
    position = position if text is path else 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return (lambda _: (),)
        steps.append(_step(match))
        position = match.end()
    return tuple(steps)


def _step(match: re.Match[str]) -> Step:
    parts = match.groupdict()
    name = parts["field"] or parts["quoted"] or parts["double"]
    if name is not None:
        return _field(re.sub(r"\\(.)", r"\1", name))
    if parts["star"] or parts["every"]:
        return _every
    if parts["index"] is not None:
        return _slice(*_around(int(parts["index"])), 1)
    if parts["left"] is not None:
        return _filter(parts["left"], parts["op"], parts["right"])
    start, end = (int(parts[side]) if parts[side] else None for side in ("start", "end"))
    return _slice(start, end, int(parts["step"] or 1) or 1)


def _around(index: int) -> tuple[int, int | None]:
    return index, (None if index == -1 else index + 1)


def _field(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _every(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _slice(start: int | None, end: int | None, stride: int) -> Step:
    def step(value: Any) -> Iterable[Any]:
        return value[start:end:stride] if isinstance(value, list) else ()

    return step


def _filter(left: str, op: str | None, right: str | None) -> Step:
    try:
        expected = orjson.loads((right or "null").replace("'", '"'))
    except orjson.JSONDecodeError:
        expected = right

    def matches(item: Any) -> bool:
        found = find(item, left) if left else [item]
        if op is None:
            return bool(found)
        try:
            return any(_COMPARE[op](value, expected) for value in found)
        except TypeError:
            return False

    def step(value: Any) -> Iterator[Any]:
        yield from (item for item in _every(value) if matches(item))

    return step
