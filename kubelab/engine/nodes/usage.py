"""What processes use and who their parents are, read from /proc."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """One line of /proc/<pid>/stat.

    Attributes
    ----------
    start : int
        Clock ticks after boot at which it started; with the pid it names the process for good.
    cpu_s : float
        User and system time, with that of reaped children.
    """

    pid: int
    parent: int
    session: int
    state: str
    start: int
    cpu_s: float
    rss_bytes: int


def stat(pid: int) -> ProcessStat | None:
    """Return a process's line, or None if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    cpu_s = sum(map(int, fields[11:15])) / _TICKS
    return ProcessStat(
        pid=pid,
        parent=int(fields[1]),
        session=int(fields[3]),
        state=fields[0],
        start=int(fields[19]),
        cpu_s=cpu_s,
        rss_bytes=int(fields[21]) * _PAGE,
    )


def is_alive(pid: int, start: int) -> bool:
    """Say whether the process that started then is still there (a zombie is not)."""
    found = stat(pid)
    return found is not None and found.start == start and found.state != "Z"


def processes() -> dict[int, ProcessStat]:
    """Return every process that can be seen."""
    found = (stat(int(name)) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208 - no paths needed
    return {entry.pid: entry for entry in found if entry}


def descendants(roots: Iterable[int], table: dict[int, ProcessStat]) -> set[int]:
    """Return the roots' children, their children and so on, without the roots."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in table.values():
        children[entry.parent].append(entry.pid)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        for child in children[waiting.pop()]:
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def proportional_bytes(pid: int) -> int:
    """Return a process's share of memory (PSS): shared pages count in parts."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
