"""What this machine lets pods have of their own: found by trying, and said in the Node's conditions."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from kubelab.engine.nodes import cgroups
from kubelab.engine.nodes.plan import IsolationPlan

_TRY = """
import sys
from pathlib import Path
from kubelab.engine.nodes.sandbox import Place, enter_pod_namespaces, enter_root
enter_pod_namespaces("probe", user=sys.argv[1] == "user")
enter_root(Path(sys.argv[2]), [Place("/etc/hosts", "/etc/hosts")])
"""


@dataclass(frozen=True, slots=True)
class Isolation:
    """What pods have of their own on this machine.

    Attributes
    ----------
    user_namespace : bool
        Whether namespaces are made through a user namespace (an ordinary user's way).
    namespaces : bool
        Own file system view (volumes at their mount paths, /etc/hosts, /tmp) and own hostname.
    memory_cgroup, cpu_cgroup : str
        Where control groups are made; empty where they cannot be.
    addresses : bool
        An own address in 127.0.0.0/8.
    """

    user_namespace: bool = False
    namespaces: bool = False
    memory_cgroup: str = ""
    cpu_cgroup: str = ""
    cgroup_version: int = 2
    addresses: bool = True

    def plan(self) -> IsolationPlan:
        """Return the part that supervisors carry out."""
        return IsolationPlan(
            self.user_namespace, self.namespaces, self.memory_cgroup, self.cpu_cgroup, self.cgroup_version
        )

    def missing(self) -> list[str]:
        """Return a sentence for each thing that pods share or that is done another way."""
        said = []
        if not self.namespaces:
            said.append(
                "mount and UTS namespaces are not allowed here: mount paths in commands, arguments and env "
                "are rewritten to the pod's directory, Service names in env to addresses, and pods have "
                "the machine's hostname and /tmp"
            )
        if not self.memory_cgroup:
            said.append(
                "no writable memory cgroup: memory limits are enforced by measuring five times a second"
            )
        if not self.cpu_cgroup:
            said.append("no writable cpu cgroup: CPU limits and requests are not enforced")
        if not self.addresses:
            said.append("127.x addresses cannot be bound: pods share 127.0.0.1 and its ports")
        said.append(
            "pods are processes of this machine: they share its network interfaces, process table, programs "
            "and user"
        )
        return said


def probe(state_dir: Path | None = None) -> Isolation:
    """Try what the machine allows; takes about a tenth of a second, in a process of its own.

    Parameters
    ----------
    state_dir : Path, optional
        The lab cluster's state, which names its control groups.
    """
    user = os.geteuid() != 0
    groups = cgroups.find(group_name(state_dir)) if state_dir else cgroups.find("kubelab")
    return Isolation(
        user_namespace=user,
        namespaces=_can_unshare(user=user),
        memory_cgroup=groups.memory,
        cpu_cgroup=groups.cpu,
        cgroup_version=groups.version,
        addresses=_can_bind(),
    )


def without_namespaces(isolation: Isolation) -> Isolation:
    """Return the isolation of a machine that refuses namespaces, as Binder does."""
    return replace(isolation, user_namespace=False, namespaces=False)


def group_name(state_dir: Path) -> str:
    """Return the name of a lab cluster's control groups."""
    return f"kubelab-{mark_of(state_dir)}"


def mark_of(state_dir: Path) -> str:
    """Return by what a lab cluster's traces in the kernel are told from another's."""
    return hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:12]


def _can_unshare(*, user: bool) -> bool:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="kubelab-") as root:
        argv = [sys.executable, "-P", "-c", _TRY, "user" if user else "root", root]
        try:
            return (
                subprocess.run(  # noqa: S603 - our own interpreter
                    argv, capture_output=True, timeout=10, check=False
                ).returncode
                == 0
            )
        except (OSError, subprocess.TimeoutExpired):
            return False


def _can_bind() -> bool:
    with socket.socket() as candidate:
        try:
            candidate.bind(("127.16.0.2", 0))
        except OSError:
            return False
    return True
