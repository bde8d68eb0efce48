"""Sets of completion indexes as Job status writes them: ``1,3-5,7``."""

from __future__ import annotations

from collections.abc import Iterable


def parse_indexes(text: str, completions: int) -> frozenset[int]:
    """Return the indexes below ``completions`` that a text such as ``1,3-5`` names."""
    found: set[int] = set()
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        found.update(range(int(first), min(int(last or first), completions - 1) + 1))
    return frozenset(found)


def format_indexes(indexes: Iterable[int]) -> str:
    """Return the text: runs of three and more are written with a hyphen, pairs with a comma.

    The form is that of upstream's ``orderedIntervals.String`` (pkg/controller/job).
    """
    parts: list[str] = []
    run: list[int] = []
    for index in sorted(indexes):
        if run and index != run[-1] + 1:
            parts.append(_run(run))
            run = []
        run.append(index)
    if run:
        parts.append(_run(run))
    return ",".join(parts)


def _run(run: list[int]) -> str:
    if len(run) == 1:
        return str(run[0])
    return f"{run[0]}{',' if len(run) == 2 else '-'}{run[-1]}"
