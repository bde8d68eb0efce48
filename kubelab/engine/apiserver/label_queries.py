"""Label selectors in a query: ``app=web,tier in (a, b),!canary``.

The grammar and the words of a refusal are those of apimachinery's ``pkg/labels`` (Kubernetes 1.37).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from kubelab.engine.apiserver.integers import IntegerError, parse_int
from kubelab.engine.apiserver.status import bad_request
from kubelab.engine.apiserver.validation.causes import shown
from kubelab.engine.apiserver.validation.names import label_value, qualified_name

Labels = Mapping[str, str]
LabelTest = Callable[[Labels], bool]

_TOKEN = re.compile(r"==|!=|[=!(),<>]|[^ \t\r\n=!(),<>]+")
_SYMBOLS = frozenset({"==", "!=", "=", "!", "(", ")", ",", "<", ">", ""})
_OPERATORS = ("in", "notin", "=", "==", "!=", "<", ">")
_OPERATORS_TOLD = "in, notin, =, ==, !=, gt, lt"
_END = ""


class _SelectorError(Exception):
    """What a parser found where it expected something else."""


@lru_cache(256)
def label_predicate(text: str) -> LabelTest | None:
    """Return a test of labels, or None if every object passes.

    Raises
    ------
    ApiError
        400 if the text is not a selector.
    """
    try:
        tests = _Parser(text).parse()
    except _SelectorError as error:
        raise bad_request(str(error)) from None
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda labels: all(test(labels) for test in tests)


class _Parser:
    """Reads a selector token by token; the end of the text is an empty one."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = [*_TOKEN.findall(text), _END]
        self._at = 0

    def parse(self) -> list[LabelTest]:
        tests: list[LabelTest] = []
        if self._ahead != _END and not self._starts_requirement():
            raise _SelectorError(f"found '{self._ahead}', expected: !, identifier, or 'end of string'")
        while self._ahead != _END:
            try:
                tests.append(self._requirement())
            except _SelectorError as error:
                raise _SelectorError(f"unable to parse requirement: {error}") from None
            after = self._next()
            if after == _END:
                break
            if after != ",":
                raise _SelectorError(f"found '{after}', expected: ',' or 'end of string'")
            if not self._starts_requirement():
                raise _SelectorError(f"found '{self._ahead}', expected: identifier after ','")
        return tests

    @property
    def _ahead(self) -> str:
        return self._tokens[self._at]

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _starts_requirement(self) -> bool:
        return self._ahead == "!" or self._ahead not in _SYMBOLS

    def _requirement(self) -> LabelTest:
        key = self._next()
        absent = key == "!"
        if absent:
            key = self._next()
        if key in _SYMBOLS:
            raise _SelectorError(f"found '{key}', expected: identifier")
        problems = qualified_name(key)
        if problems:
            raise _SelectorError(f"<nil>: Invalid value: {shown(key)}: {'; '.join(problems)}")
        if absent:
            return lambda labels: key not in labels
        if self._ahead in {_END, ","}:
            return lambda labels: key in labels
        operator = self._next()
        if operator not in _OPERATORS:
            raise _SelectorError(f"found '{operator}', expected: {_OPERATORS_TOLD}")
        values = self._values() if operator in {"in", "notin"} else {self._value()}
        _check(key, operator, sorted(values))
        return _test(key, operator, values)

    def _value(self) -> str:
        if self._ahead in {_END, ","}:
            return ""
        value = self._next()
        if value in _SYMBOLS:
            raise _SelectorError(f"found '{value}', expected: identifier")
        return value

    def _values(self) -> set[str]:
        opened = self._next()
        if opened != "(":
            raise _SelectorError(f"found '{opened}' expected: '('")
        if self._ahead not in {")", ","} and self._ahead in _SYMBOLS:
            raise _SelectorError(f"found '{self._ahead}', expected: ',', ')' or identifier")
        values: set[str] = set()
        before = ","
        while (found := self._next()) != ")":
            if found == ",":
                if before == ",":
                    values.add("")
            elif found in _SYMBOLS:
                wanted = "',', or identifier" if before == "," else "',' or ')'"
                raise _SelectorError(f"found '{found}', expected: {wanted}")
            elif before != ",":
                raise _SelectorError(f"found '{found}', expected: ',' or ')'")
            else:
                values.add(found)
            before = found
        return values | {""} if before == "," else values


def _check(key: str, operator: str, values: Sequence[str]) -> None:
    problems: list[str] = []
    for index, value in enumerate(values):
        if operator in {"<", ">"} and not _is_integer(value):
            told = "for 'Gt', 'Lt' operators, the value must be an integer"
            problems.append(f"values[{index}]: Invalid value: {shown(value)}: {told}")
    for index, value in enumerate(values):
        found = label_value(value)
        if found:
            problems.append(f"values[{index}][{key}]: Invalid value: {shown(value)}: {'; '.join(found)}")
    if problems:
        raise _SelectorError(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")


def _is_integer(text: str) -> bool:
    try:
        parse_int(text)
    except IntegerError:
        return False
    return True


def _test(key: str, operator: str, values: set[str]) -> LabelTest:
    if operator in {"<", ">"}:
        return _order_test(key, operator, parse_int(next(iter(values))))
    if operator in {"!=", "notin"}:
        return lambda labels: labels.get(key) not in values
    return lambda labels: labels.get(key) in values


def _order_test(key: str, order: str, bound: int) -> LabelTest:
    def test(labels: Labels) -> bool:
        try:
            value = parse_int(labels.get(key, ""))
        except IntegerError:
            return False
        return value > bound if order == ">" else value < bound

    return test
