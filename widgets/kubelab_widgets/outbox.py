"""What a page does not know yet, as one small message at a time."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kubelab.live import Point

SeriesKey = tuple[str, int]
Message = tuple[dict[str, Any], list[bytes]]
"""A JSON document, and the binary buffers beside it."""


@dataclass(frozen=True, slots=True)
class LogDelta:
    """Lines to add to the log on the page; with ``reset`` they replace what is there."""

    rank: int
    lines: tuple[str, ...]
    reset: bool = False


class Outbox:
    """Collects what changed since the last message: sections that differ, new rows, points and lines."""

    def __init__(self) -> None:
        self._sections: dict[str, Any] = {}
        self._sent: dict[str, Any] = {}
        self._rows: dict[int, Any] = {}
        self._new_rows: set[int] = set()
        self._gone: set[int] = set()
        self._points: dict[SeriesKey, list[Point]] = {}
        self._restarted: set[SeriesKey] = set()
        self._log: LogDelta | None = None
        self._reset = False

    @property
    def sections(self) -> dict[str, Any]:
        """The sections as they are now, sent or not."""
        return dict(self._sections)

    def put(self, **sections: Any) -> None:
        """Replace sections; those that stay equal are not sent again."""
        self._sections.update(sections)

    def put_rows(self, rows: Mapping[int, Any]) -> None:
        """Replace rows of the page's table, by their numbers."""
        self._new_rows.update(rows)
        self._rows.update(rows)

    def drop_rows(self, numbers: Iterable[int]) -> None:
        """Take rows off the page's table; a number that was dropped does not come back."""
        for number in numbers:
            if self._rows.pop(number, None) is not None:
                self._new_rows.discard(number)
                self._gone.add(number)

    def add_points(
        self, points: Mapping[SeriesKey, Iterable[Point]], restarted: Iterable[SeriesKey] = ()
    ) -> None:
        """Append points to series; those that restarted lose what they had."""
        for key in restarted:
            self._points[key] = []
            self._restarted.add(key)
        for key, new in points.items():
            self._points.setdefault(key, []).extend(new)

    def add_lines(self, delta: LogDelta) -> None:
        """Append lines to the log, or start it again."""
        if self._log is None or delta.reset or delta.rank != self._log.rank:
            self._log = delta
        else:
            self._log = LogDelta(delta.rank, self._log.lines + delta.lines, self._log.reset)

    def start_again(self, points: Mapping[SeriesKey, Iterable[Point]], log: LogDelta | None = None) -> None:
        """Send everything with the next message, for a page that knows nothing or another job."""
        self._reset = True
        self._sent = {}
        self._new_rows, self._gone = set(self._rows), set()
        self._restarted = set()
        self._points = {key: list(known) for key, known in points.items()}
        self._log = log

    def take(self) -> Message | None:
        """Return the next message, or None where the page knows everything."""
        changed = {name: value for name, value in self._sections.items() if self._is_news(name, value)}
        message: dict[str, Any] = {"type": "update"}
        if self._reset:
            message["reset"] = True
        if changed:
            message["sections"] = changed
        if self._new_rows:
            message["rows"] = [self._rows[number] for number in sorted(self._new_rows)]
        if self._gone:
            message["gone"] = sorted(self._gone)
        buffers = self._take_points(message)
        if self._log is not None:
            message["log"] = {"rank": self._log.rank, "lines": self._log.lines, "reset": self._log.reset}
        self._sent.update(changed)
        self._new_rows, self._gone = set(), set()
        self._log, self._reset = None, False
        return (message, buffers) if len(message) > 1 else None

    def _is_news(self, name: str, value: Any) -> bool:
        return name not in self._sent or self._sent[name] != value

    def _take_points(self, message: dict[str, Any]) -> list[bytes]:
        series = {key: new for key, new in self._points.items() if new or key in self._restarted}
        self._points = {}
        if not series:
            return []
        message["series"] = [
            {
                "name": name,
                "rank": rank,
                "count": len(new),
                **({"reset": True} if (name, rank) in self._restarted else {}),
            }
            for (name, rank), new in series.items()
        ]
        self._restarted = set()
        flat = [number for points in series.values() for point in points for number in point]
        return [struct.pack(f"<{len(flat)}f", *map(_float32, flat))]


def _float32(number: float) -> float:
    """Return a number that 32 bits can hold: what is too large is infinite, as in float32 arithmetic."""
    limit = 3.4e38
    if number > limit:
        return float("inf")
    return float("-inf") if number < -limit else number
