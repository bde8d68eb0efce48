"""The process of one pod: its supervisor, and in forked children its containers.

Forked by the warm parent (`warm`), or started as ``python -m kubelab.engine.nodes.pod_process <directory>``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from kubelab.clock import RealClock
from kubelab.engine.nodes import linux, usage
from kubelab.engine.nodes.cgroups import Hierarchy, make_pod
from kubelab.engine.nodes.plan import write_json
from kubelab.engine.nodes.process import Become, close_descriptors
from kubelab.engine.nodes.sandbox import enter_pod_namespaces
from kubelab.engine.nodes.supervisor import Supervisor


def supervise(directory: Path, python_paths: list[str] | None = None) -> None:
    """Run a pod in this process, unless another supervisor does; a forked child leaves by `Become`."""
    lock = os.open(directory / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    linux.load()
    linux.adopt_orphans()
    linux.set_process_name("kubelab-pod")
    found = usage.stat(os.getpid())
    write_json(directory / "supervisor.json", {"pid": os.getpid(), "start": found.start if found else 0})
    supervisor = Supervisor(directory, RealClock(), python_paths)
    isolation = supervisor.plan.isolation
    if isolation.namespaces:
        enter_pod_namespaces(supervisor.plan.hostname, user=isolation.user_namespace)
    requests = sum(plan.cpu_request_millicores for plan in supervisor.plan.containers)
    make_pod(Hierarchy.of(isolation), supervisor.plan.uid, requests)
    supervisor.run()


def become_supervisor(directory: Path, python_paths: list[str] | None = None) -> NoReturn:
    """Run a pod and end this process, as the supervisor or as one of its containers."""
    close_descriptors()
    os._exit(_run(lambda: supervise(directory, python_paths), directory))


def _run(work: Callable[[], None], directory: Path) -> int:
    entry: Callable[[], NoReturn] | None = None
    try:
        work()
    except Become as become:
        entry = become.entry
    except BaseException as error:  # noqa: BLE001 - there is nobody above to tell
        with contextlib.suppress(OSError):
            (directory / "supervisor-error").write_text(f"{type(error).__name__}: {error}\n")
        return 1
    if entry is not None:
        entry()
    return 0


if __name__ == "__main__":
    become_supervisor(Path(sys.argv[1]))
