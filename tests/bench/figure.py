"""One measured figure beside what was asked of it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table.

    Attributes
    ----------
    part : str
        What was measured, such as ``API``.
    name : str
        Which figure.
    asked : float or None
        The figure to reach; None where none was asked.
    measured : float
        What came out, in ``unit``.
    unit : str
        Such as ``s``, ``MB``, ``1/s``, ``x``.
    at_least : bool
        Whether more is better.
    note : str
        What the reader should know, such as the figures a ratio is made of.
    """

    part: str
    name: str
    asked: float | None
    measured: float
    unit: str
    at_least: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Measured over asked."""
        return self.measured / self.asked if self.asked else None

    @property
    def reached(self) -> bool:
        """Whether the figure is as good as asked."""
        if self.asked is None:
            return True
        return self.measured >= self.asked if self.at_least else self.measured <= self.asked


def machine() -> str:
    """Describe the machine: processor, cores in use, memory."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model}, {len(os.sched_getaffinity(0))} cores, {memory_gib:.0f} GiB, "
        f"Python {platform.python_version()}"
    )


def rss_mb(pid: int) -> float:
    """Return a process's resident memory in MB (10^6 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
