"""What evaluating an expression may cost at most, so that no rule holds up the server.

Upstream counts while it evaluates, and gives up after about a tenth of a second (``PerCallLimit`` in
apiserver's ``pkg/apis/cel``). Here the steps are bounded before: what a macro runs over is no longer than the
longest collection in sight, and macros within macros multiply.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_STEPS = 250_000
MOST_CHARACTERS = 10_000_000
MOST_REGEX_STEPS = 50_000_000
EXCEEDED = "operation cancelled: actual cost limit exceeded"

_MACRO_OR_PARENTHESIS = re.compile(r"(?P<macro>\.\s*(?:all|exists|exists_one|map|filter)\s*\()|[()]")
_LITERAL = re.compile(r"\[[^\[\]]*\]")
_REPEAT = re.compile(r"[*+]|\{\d+,\d*\}")


@dataclass(frozen=True, slots=True)
class Cost:
    """How an expression's cost grows with what it is given.

    Attributes
    ----------
    depths : tuple of int
        For each macro, in how many macros it is, itself included.
    literal_size : int
        Items of the longest list that the expression spells out.
    """

    depths: tuple[int, ...]
    literal_size: int

    def exceeds(self, variables: Mapping[str, Any]) -> bool:
        """Tell whether an evaluation could take too many steps."""
        if not self.depths:
            return False
        size = max(self.literal_size, _largest(variables), 2)
        steps: int = sum(size**depth for depth in self.depths)
        return steps > MOST_STEPS


def cost_of(expression: str) -> Cost:
    """Return the cost of an expression whose strings are blanked out."""
    depths: list[int] = []
    opened: list[bool] = []
    for match in _MACRO_OR_PARENTHESIS.finditer(expression):
        if match[0] != ")":
            opened.append(match["macro"] is not None)
            if opened[-1]:
                depths.append(sum(opened))
        elif opened:
            opened.pop()
    literal = max((found[0].count(",") + 1 for found in _LITERAL.finditer(expression)), default=0)
    return Cost(tuple(depths), literal)


def check_replacement(text: str, old: str, new: str) -> None:
    """Raise ValueError for a replacement that grows without measure."""
    if len(text) + text.count(old) * len(new) > MOST_CHARACTERS:
        raise ValueError(EXCEEDED)


def check_search(pattern: str, text: str) -> None:
    """Raise ValueError for a search that could backtrack for long: Python's are not linear, as Go's are."""
    repeats = len(_REPEAT.findall(pattern))
    nested = re.search(r"[*+}|][^()]*\)\s*(?:[*+]|\{)", pattern) is not None
    if (nested and len(text) > 20) or len(text) ** min(repeats + 1, 20) > MOST_REGEX_STEPS:
        raise ValueError(EXCEEDED)


def _largest(value: Any) -> int:
    """Return the number of items of the longest list or object in a value."""
    if isinstance(value, Mapping):
        return max(len(value), max(map(_largest, value.values()), default=0))
    if isinstance(value, list):
        return max(len(value), max(map(_largest, value), default=0))
    return 0
