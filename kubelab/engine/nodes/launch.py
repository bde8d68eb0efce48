"""The child's side of starting a container or a command in one: root, directory, user, program."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import shutil
from pathlib import Path
from typing import NoReturn

from kubelab.engine.nodes import fenced_paths, linux, python_main
from kubelab.engine.nodes.cgroups import Group
from kubelab.engine.nodes.host import Host
from kubelab.engine.nodes.plan import ContainerPlan, PodPlan
from kubelab.engine.nodes.process import Become, execute
from kubelab.engine.nodes.sandbox import WORKSPACE, Place, enter_root


def container_directory(pod_directory: Path, name: str) -> Path:
    """Return where one container's own files are."""
    return pod_directory / "containers" / name


def make_directories(directory: Path, plan: ContainerPlan) -> None:
    """Give a new run of a container fresh files: working directory, /tmp, an empty termination message."""
    for name, mode in (("root", 0o755), ("tmp", 0o1777), ("workspace", 0o755)):
        path = directory / name
        _clear(path)
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        if plan.uid is not None and os.geteuid() == 0:
            os.chown(path, plan.uid, plan.gid if plan.gid is not None else plan.uid)
    message = directory / "termination-log"
    _clear(message)
    message.touch()
    message.chmod(0o666)


def _clear(path: Path) -> None:
    """Remove what an earlier run left there; a link is removed, not what it points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def become_container(host: Host, plan: ContainerPlan, group: Group) -> None:
    """Turn this forked child into the container; never returns normally."""
    group.join()
    directory = container_directory(host.directory, plan.name)
    if host.pod.isolation.namespaces:
        enter_root(directory / "root", _places(host, plan, directory), read_only=plan.read_only_root)
        os.chdir(plan.cwd or WORKSPACE)
    else:
        _check_sub_paths(plan)
        os.chdir(plan.cwd if plan.cwd and Path(plan.cwd).is_dir() else directory / "workspace")
    _become_user(plan)
    if host.python_paths is None or not python_main.accepts(plan.argv, plan.env):
        execute(plan.argv, plan.env)
    argv, env, paths = plan.argv, plan.env, host.python_paths
    host.loop.close()
    gc.freeze()  # the supervisor's objects must not be collected here: their descriptors are closed

    def entry() -> NoReturn:
        python_main.prepare(argv, env, paths)
        python_main.run(argv)

    raise Become(entry)


def _check_sub_paths(plan: ContainerPlan) -> None:
    """Make missing sub-paths and refuse those that lead out of their volume; nothing is mounted here."""
    for mount in plan.mounts:
        if mount.volume:
            with fenced_paths.opened(mount.volume, os.path.relpath(mount.source, mount.volume)):
                pass


def join_container(
    pid: int, plan: ContainerPlan, pod: PodPlan, argv: list[str], extra: dict[str, str] | None = None
) -> None:
    """Run a command beside a container's process: an exec probe, a lifecycle hook, ``kubectl exec``."""
    if pod.isolation.namespaces:
        fd = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        if ctypes.CDLL(None, use_errno=True).setns(fd, linux.CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), "setns: the container's root cannot be entered")
        os.chdir(plan.cwd or WORKSPACE)
    else:
        os.chdir(f"/proc/{pid}/cwd")
    _become_user(plan)
    execute(argv, {**(extra or {}), **plan.env})


def _become_user(plan: ContainerPlan) -> None:
    if os.geteuid() != 0 or (plan.uid is None and plan.gid is None):
        return
    with contextlib.suppress(PermissionError):  # in a user namespace there is but one user
        gid = plan.gid if plan.gid is not None else 0
        os.setgroups([gid])
        os.setgid(gid)
        if plan.uid is not None:
            os.setuid(plan.uid)


def _places(host: Host, plan: ContainerPlan, directory: Path) -> list[Place]:
    mounts = [Place(mount.source, mount.target, mount.read_only, mount.volume) for mount in plan.mounts]
    taken = {os.path.normpath(mount.target) for mount in mounts}
    own = {
        "/tmp": directory / "tmp",  # noqa: S108 - the container's own
        WORKSPACE: directory / "workspace",
        "/etc/hosts": host.directory / "hosts",
        "/etc/hostname": host.directory / "hostname",
        plan.termination_message_path: directory / "termination-log",
    }
    if plan.cwd and not Path(plan.cwd).exists() and not _is_below(plan.cwd, taken):
        own[plan.cwd] = directory / "workspace"
    places = [Place(str(source), target) for target, source in own.items() if target not in taken]
    kept = [Place(path, path) for path in host.pod.keep_paths if path not in taken]
    return places + kept + mounts


def _is_below(path: str, targets: set[str]) -> bool:
    return any(Path(path).is_relative_to(target) for target in targets)
