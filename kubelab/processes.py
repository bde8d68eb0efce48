"""When a process began: with its number, that names it for good, since numbers are given out again."""

from __future__ import annotations

from pathlib import Path


def start_ticks(pid: int) -> int | None:
    """Return when a process began, in clock ticks since the machine did; None if it is gone, or a zombie.

    Field 22 of ``/proc/PID/stat`` (proc(5)); None also where there is no such file system.
    """
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):  # ValueError: it ended between opening and reading
        return None
    return None if state in "ZX" else int(fields[18])
