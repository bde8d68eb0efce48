"""Control groups for memory and CPU, version 1 or 2, below the group that this process is already in.

Staying below it keeps every limit that the machine's owner set. Where nothing may be written, there is no
group, and the supervisor measures memory itself (see `usage`).
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kubelab.engine.nodes.plan import IsolationPlan

ROOT = Path("/sys/fs/cgroup")
_CPU_PERIOD_US = 100_000
_TOP_SHARES = 8 * 1024
_NEEDED = {"memory", "cpu"}


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where groups can be made: a directory for each controller, empty where it cannot be used."""

    version: int = 2
    memory: str = ""
    cpu: str = ""

    @staticmethod
    def of(plan: IsolationPlan) -> Hierarchy:
        """Return the hierarchy that a pod's plan names."""
        return Hierarchy(plan.cgroup_version, plan.memory_cgroup, plan.cpu_cgroup)


def find(name: str) -> Hierarchy:
    """Return directories named ``name`` for this process's pods; they are made when first used."""
    own = _own_groups()
    if "memory" in own or "cpu" in own:
        memory, cpu = (_below(ROOT / part, own.get(part), name) for part in ("memory", "cpu"))
        return Hierarchy(1, memory, cpu)
    parent = _delegated(ROOT / own.get("", "/").lstrip("/"))
    if parent is None:
        return Hierarchy()
    enabled = set((parent / "cgroup.subtree_control").read_text().split())
    directory = str(parent / name)
    return Hierarchy(2, directory if "memory" in enabled else "", directory if "cpu" in enabled else "")


def _own_groups() -> dict[str, str]:
    groups = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        groups.update(dict.fromkeys(controllers.split(","), path))
    return groups


def _below(root: Path, own: str | None, name: str) -> str:
    directory = root / (own or "/").lstrip("/")
    writable = own is not None and os.access(directory, os.W_OK) and os.access(directory / "tasks", os.W_OK)
    return str(directory / name) if writable else ""


def _delegated(own: Path) -> Path | None:
    """Return the nearest version 2 group from ours up that hands controllers down and may be written."""
    for directory in (own, *own.parents):
        control = directory / "cgroup.subtree_control"
        if not directory.is_relative_to(ROOT) or not control.exists():
            return None
        if (
            _NEEDED & set(control.read_text().split())
            and os.access(directory, os.W_OK)
            and os.access(directory / "cgroup.procs", os.W_OK)
        ):
            return directory
    return None


def make_pod(hierarchy: Hierarchy, uid: str, request_millicores: int) -> None:
    """Make a pod's group: its share of CPU is what its containers ask for together.

    All pods together weigh as much as a few busy processes for each CPU: being in a group must not make
    them slower than they would be outside of it.
    """
    if not hierarchy.cpu:
        return
    top, cpus = Path(hierarchy.cpu), os.cpu_count() or 1
    with contextlib.suppress(OSError):
        (top / uid).mkdir(parents=True, exist_ok=True)
        if hierarchy.version == 2:
            (top / "cgroup.subtree_control").write_text("+cpu")
        _set_share(top, hierarchy.version, _TOP_SHARES * cpus)
        _set_share(top / uid, hierarchy.version, shares_of(request_millicores))


def shares_of(request_millicores: int) -> int:
    """Return cpu.shares for a request (MilliCPUToShares of pkg/kubelet/cm/helpers_linux.go, v1.33)."""
    return min(max(request_millicores * 1024 // 1000, 2), 262144)


def _set_share(directory: Path, version: int, shares: int) -> None:
    """Set the share of CPU; version 2 counts otherwise (KEP-2254)."""
    weight = 1 + (shares - 2) * 9999 // 262142
    name, value = ("cpu.shares", shares) if version == 1 else ("cpu.weight", weight)
    with contextlib.suppress(OSError):
        (directory / name).write_text(str(value))


class Group:
    """The group of one container, in each hierarchy that can be used.

    Parameters
    ----------
    hierarchy : Hierarchy
        From `find`.
    path : str
        ``<pod uid>/<container>`` below it.
    """

    def __init__(self, hierarchy: Hierarchy, path: str) -> None:
        self._version = hierarchy.version
        self.memory = Path(hierarchy.memory, path) if hierarchy.memory else None
        self.cpu = Path(hierarchy.cpu, path) if hierarchy.cpu else None

    @property
    def directories(self) -> list[Path]:
        """The group's directories, each once."""
        return list(dict.fromkeys(path for path in (self.memory, self.cpu) if path))

    def create(self, memory_limit_bytes: int, cpu_limit_millicores: int, cpu_request_millicores: int) -> None:
        """Make the group and set its limits; 0 means none. What cannot be set is left out."""
        for directory in self.directories:
            try:
                directory.mkdir(parents=True, exist_ok=True)
                self._hand_down(directory)
            except OSError:
                self._give_up(directory)
        if memory_limit_bytes and self.memory:
            self._limit_memory(self.memory, memory_limit_bytes)
        if self.cpu:
            self._limit_cpu(self.cpu, cpu_limit_millicores, cpu_request_millicores)

    def resize(self, memory_limit_bytes: int, cpu_limit_millicores: int, cpu_request_millicores: int) -> None:
        """Set other limits while processes are in the group.

        Raises
        ------
        OSError
            If the kernel refuses the memory limit, as where that much is in use and cannot be freed.
        """
        if memory_limit_bytes and self.memory:
            self._set_memory(self.memory, memory_limit_bytes)
        if self.cpu:
            self._limit_cpu(self.cpu, cpu_limit_millicores, cpu_request_millicores)

    def join(self) -> None:
        """Move this process into the group."""
        for directory in self.directories:
            (directory / "cgroup.procs").write_text("0")

    def oom_kills(self) -> int:
        """Return how often the kernel killed in this group for want of memory."""
        if self.memory is None:
            return 0
        name = "memory.oom_control" if self._version == 1 else "memory.events"
        return _field(self.memory / name, "oom_kill")

    def pids(self) -> set[int]:
        """Return the processes in the group."""
        found: set[int] = set()
        for directory in self.directories:
            with contextlib.suppress(OSError):
                found.update(map(int, (directory / "cgroup.procs").read_text().split()))
        return found

    def remove(self) -> None:
        """Remove the group and the pod's, when they are empty."""
        for directory in self.directories:
            for path in (directory, directory.parent):
                with contextlib.suppress(OSError):
                    path.rmdir()

    def _hand_down(self, directory: Path) -> None:
        if self._version == 2:
            for parent in (directory.parent.parent, directory.parent):
                for controller in ("memory", "cpu"):
                    with contextlib.suppress(OSError):
                        (parent / "cgroup.subtree_control").write_text(f"+{controller}")

    def _give_up(self, directory: Path) -> None:
        self.memory = None if self.memory == directory else self.memory
        self.cpu = None if self.cpu == directory else self.cpu

    def _limit_memory(self, directory: Path, limit_bytes: int) -> None:
        try:
            self._set_memory(directory, limit_bytes)
        except OSError:
            self.memory = None

    def _set_memory(self, directory: Path, limit_bytes: int) -> None:
        if self._version == 2:
            (directory / "memory.max").write_text(str(limit_bytes))
            for key, value in {"memory.swap.max": "0", "memory.oom.group": "1"}.items():
                with contextlib.suppress(OSError):
                    (directory / key).write_text(value)
            return
        names = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]  # the second may never be the lower
        if int((directory / names[0]).read_text()) < limit_bytes:
            names.reverse()
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # where swap is not counted
                (directory / name).write_text(str(limit_bytes))

    def _limit_cpu(self, directory: Path, limit_millicores: int, request_millicores: int) -> None:
        _set_share(directory, self._version, shares_of(request_millicores))
        if not limit_millicores:
            return
        quota_us = max(limit_millicores * _CPU_PERIOD_US // 1000, 1000)
        if self._version == 1:
            burst, quota = "cpu.cfs_burst_us", ("cpu.cfs_quota_us", str(quota_us))
            values = [(burst, "0"), ("cpu.cfs_period_us", str(_CPU_PERIOD_US)), quota]
        else:
            burst = "cpu.max.burst"
            values = [(burst, "0"), ("cpu.max", f"{quota_us} {_CPU_PERIOD_US}")]
        for key, value in [*values, (burst, str(quota_us))]:  # a burst may not be more than the quota
            with contextlib.suppress(OSError):
                (directory / key).write_text(value)


def members(hierarchy: Hierarchy) -> set[int]:
    """Return the processes in the groups below a hierarchy; a group may go meanwhile."""
    found: set[int] = set()
    for top in {hierarchy.memory, hierarchy.cpu} - {""}:
        for directory in _bottom_up(Path(top)):
            with contextlib.suppress(OSError):
                found.update(map(int, (directory / "cgroup.procs").read_text().split()))
    return found


def remove_all(hierarchy: Hierarchy) -> None:
    """Kill what is left in the groups below a hierarchy, and remove them with it."""
    for top in {hierarchy.memory, hierarchy.cpu} - {""}:
        for directory in _bottom_up(Path(top)):
            with contextlib.suppress(OSError):
                for pid in map(int, (directory / "cgroup.procs").read_text().split()):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                directory.rmdir()


def _bottom_up(top: Path) -> Iterator[Path]:
    for directory, _, _ in os.walk(top, topdown=False):
        yield Path(directory)


def _field(path: Path, key: str) -> int:
    with contextlib.suppress(OSError):
        for line in path.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == key:
                return int(value)
    return 0
