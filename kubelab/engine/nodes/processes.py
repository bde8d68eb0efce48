"""Finds and ends what a lab cluster started, also after every part of it was killed.

Each process is on record as (pid, start time), so that a pid that went to somebody else is left alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kubelab.clock import monotonic
from kubelab.engine.nodes import cgroups, usage
from kubelab.engine.nodes.isolation import group_name
from kubelab.engine.nodes.plan import read_json, write_json

_KILL_PATIENCE_S = 5.0


def record(path: Path, pid: int) -> None:
    """Write down a process that this cluster started."""
    found = usage.stat(pid)
    write_json(path, {"pid": pid, "start": found.start if found else 0})


def recorded(path: Path) -> int:
    """Return the pid on record if that process is still there, else 0."""
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
        entry = read_json(path)
        if usage.is_alive(entry["pid"], entry["start"]):
            return int(entry["pid"])
    return 0


def end_all(state_dir: Path, *, grace_s: float = 0.0) -> int:
    """End every process that nodes of this lab cluster started, and remove its control groups.

    Parameters
    ----------
    state_dir : Path
        The cluster's state.
    grace_s : float
        How long pods may take to end by themselves after SIGTERM.

    Returns
    -------
    int
        How many processes had to be killed.
    """
    pods = [path for path in (state_dir / "pods").glob("*") if path.is_dir()]
    if grace_s:
        for pod in pods:
            order_end(pod, grace_s)
        wait_for_end({pid for pod in pods if (pid := recorded(pod / "supervisor.json"))}, grace_s + 1.0)
    killed = 0
    while found := _of_cluster(state_dir, pods):
        killed += len(found)
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not wait_for_end(found, _KILL_PATIENCE_S):
            break
    hierarchy = cgroups.find(group_name(state_dir))
    for pod in pods:
        for part in _isolations(pod):
            cgroups.remove_all(part)
    cgroups.remove_all(hierarchy)
    return killed


def order_end(pod_directory: Path, grace_s: float) -> None:
    """Tell a pod's supervisor to end it; it learns of it even if it starts only later."""
    write_json(pod_directory / "control.json", {"grace_s": grace_s})
    nudge(pod_directory)


def nudge(pod_directory: Path) -> None:
    """Have a pod's supervisor look at its files; one that is not there yet looks when it starts."""
    with contextlib.suppress(OSError):
        fd = os.open(pod_directory / "control", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(fd, b"\n")
        finally:
            os.close(fd)


def kill_pod(pod_directory: Path) -> None:
    """Kill whatever is left of one pod."""
    table = usage.processes()
    for pid in _of_pod(pod_directory, table):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for part in _isolations(pod_directory):
        for group in _groups(pod_directory.name, part):
            cgroups.remove_all(group)


def _of_cluster(state_dir: Path, pods: Iterable[Path]) -> set[int]:
    table = usage.processes()
    records = [
        path for each in ("warm-*", "binaries/*", "recorder/*") for path in state_dir.glob(f"{each}.json")
    ]
    found = {pid for path in records if (pid := recorded(path))}
    for pod in pods:
        found |= _of_pod(pod, table)
    return {pid for pid in found if table.get(pid) and table[pid].state != "Z"} - {os.getpid()}


def _of_pod(pod: Path, table: dict[int, usage.ProcessStat]) -> set[int]:
    roots = {pid for pid in (recorded(pod / "supervisor.json"), *_containers(pod)) if pid}
    sessions = {entry.pid for entry in table.values() if entry.session in _sessions(pod, table)}
    parts = (group for part in _isolations(pod) for group in _groups(pod.name, part))
    groups = {pid for part in parts for pid in cgroups.members(part)}
    roots |= sessions | groups | {pid for pid in table if _sees(pid, pod)}
    return roots | usage.descendants(roots, table)


def _containers(pod: Path) -> list[int]:
    return [
        entry["pid"]
        for entry in _entries(pod)
        if entry["pid"] and usage.is_alive(entry["pid"], entry["start"])
    ]


def _sessions(pod: Path, table: dict[int, usage.ProcessStat]) -> set[int]:
    """Sessions of containers and of commands in them; the kernel keeps a number while a member lives."""
    entries = _entries(pod)
    led = {entry["pid"] for entry in entries if entry["pid"]}
    visited = {pid for entry in entries for pid in entry.get("visitors", [])}
    return {pid for pid in led | visited if pid not in table or pid in _containers(pod)}


def _entries(pod: Path) -> list[dict[str, Any]]:
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
        return list(read_json(pod / "status.json")["containers"])
    return []


def _sees(pid: int, pod: Path) -> bool:
    """Whether a process has the pod's files mounted or works in its directory."""
    with contextlib.suppress(OSError):
        if Path(f"/proc/{pid}/cwd").readlink().is_relative_to(pod):
            return True
    with contextlib.suppress(OSError):
        return f"/pods/{pod.name}/" in Path(f"/proc/{pid}/mountinfo").read_text()
    return False


def _isolations(pod: Path) -> list[cgroups.Hierarchy]:
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
        part = read_json(pod / "plan.json")["isolation"]
        return [cgroups.Hierarchy(part["cgroup_version"], part["memory_cgroup"], part["cpu_cgroup"])]
    return []


def _groups(uid: str, part: cgroups.Hierarchy) -> list[cgroups.Hierarchy]:
    memory, cpu = (f"{path}/{uid}" if path else "" for path in (part.memory, part.cpu))
    return [cgroups.Hierarchy(part.version, memory, cpu)]


def wait_for_end(pids: set[int], patience_s: float) -> bool:
    """Wait until the processes have ended; say whether they have."""
    deadline = monotonic() + patience_s
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            fd = os.pidfd_open(pid)
            try:
                if not _ends_before(fd, deadline):
                    return False
            finally:
                os.close(fd)
    return True


def _ends_before(fd: int, deadline: float) -> bool:
    import select

    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(max(deadline - monotonic(), 0.0) * 1000))
