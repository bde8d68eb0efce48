"""Metrics in lines of text (a stand-in)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from kubelab.clock import parse_rfc3339
from kubelab.tuning import Report

_METRIC = re.compile(r"([\w|-]+)\s*=\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)?|nan|[+-]?inf)", re.IGNORECASE)


def parse_line(line: str, known: Mapping[str, Sequence[Report]]) -> Iterator[tuple[str, Report]]:
    """Yield name and report of each metric."""
    time, _, rest = line.partition(" ")
    try:
        at = round(parse_rfc3339(time).timestamp(), 3)
    except ValueError:
        at, rest = None, line
    found = _METRIC.findall(rest)
    steps = [int(float(text)) for name, text in found if name == "step"]
    for name, text in found:
        if name == "step":
            continue
        step = steps[0] if steps else len(known.get(name, ())) + 1
        yield name, Report(step, float(text), at, text)
