"""Builds what a container sees, in the child process that becomes it.

With a mount namespace the child gets a small root made of binds: the machine's own directories, the pod's
volumes, its own /tmp and working directory, /etc/hosts and /etc/hostname. Nothing on the machine changes;
mount points that it lacks are made in the new root's own tmpfs.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from kubelab.engine.nodes import fenced_paths, linux

_DEVICES = frozenset(
    {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "mqueue", "fd"}
    | {"stdin", "stdout", "stderr", "dri", "kfd", "fuse"}
)
_ACCELERATORS = ("nvidia", "accel", "vfio")
WORKSPACE = "/workspace"


@dataclass(frozen=True, slots=True)
class Place:
    """A host path that shall appear at ``target``."""

    source: str
    target: str
    read_only: bool = False
    within: str = ""
    """The directory that the source must not lead out of, if there is one."""


def enter_pod_namespaces(hostname: str, *, user: bool) -> None:
    """Give a supervisor the namespaces that its containers share; it must have one thread."""
    uid, gid = os.getuid(), os.getgid()
    flags = linux.CLONE_NEWNS | linux.CLONE_NEWUTS
    linux.unshare(flags | (linux.CLONE_NEWUSER if user else 0))
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_SLAVE)
    linux.set_hostname(hostname[:64])


def enter_root(root: Path, places: Iterable[Place], *, read_only: bool = False) -> None:
    """Make ``root`` (an empty directory) the container's root file system and move into it."""
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("tmpfs", str(root), "tmpfs", data="mode=0755")
    linux.mount("none", str(root), flags=linux.MS_UNBINDABLE)  # binds of directories around it leave it out
    resolved = [replace(place, target=os.path.realpath(f"/{place.target.lstrip('/')}")) for place in places]
    ordered = sorted(resolved, key=lambda place: place.target.count("/"))
    _mirror("/", root, _to_split([place.target for place in ordered]))
    for place in ordered:
        _put(root, place)
    if read_only:
        _make_read_only(root, {Path(place.target).parts[1] for place in ordered})
    linux.pivot_root(str(root))


def _to_split(targets: list[str]) -> set[str]:
    """Directories that must be rebuilt entry by entry, because a mount point is missing below them."""
    split = {"/", "/dev"}
    for target in targets:
        parents = {str(parent) for parent in Path(target).parents}
        if not Path(target).exists() and parents.isdisjoint(targets):
            split.update(parent for parent in parents if Path(parent).is_dir())
    return split


def _mirror(directory: str, root: Path, split: set[str]) -> None:
    for entry in os.scandir(directory):
        if directory == "/dev" and not _is_wanted(entry.name):
            continue
        target = f"{root}{entry.path}"
        if entry.is_symlink():
            Path(target).symlink_to(Path(entry.path).readlink())
        elif not entry.is_dir():
            _bind_file(entry.path, target)
        else:
            Path(target).mkdir()
            if entry.path in split:
                _mirror(entry.path, root, split)
            else:
                linux.bind(entry.path, target)


def _is_wanted(device: str) -> bool:
    return device in _DEVICES or device.startswith(_ACCELERATORS)


def _bind_file(source: str, target: str) -> None:
    if not os.path.lexists(target):
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    linux.bind(source, target)


def _put(root: Path, place: Place) -> None:
    """Mount one place; neither links in its volume nor those below its mount point lead elsewhere."""
    with (
        _source(place) as source,
        fenced_paths.opened(str(root), place.target, file=not Path(source).is_dir()) as point,
    ):
        linux.bind(source, point)
    if place.read_only:
        with fenced_paths.opened(str(root), place.target) as mounted:
            linux.make_read_only(mounted)


def _source(place: Place) -> contextlib.AbstractContextManager[str]:
    if not place.within:
        return contextlib.nullcontext(place.source)
    return fenced_paths.opened(place.within, os.path.relpath(place.source, place.within))


def _make_read_only(root: Path, mounted: set[str]) -> None:
    """Leave volumes and /tmp writable; the machine's own directories become read-only where they can be."""
    for entry in os.scandir(root):
        if entry.is_dir(follow_symlinks=False) and entry.name not in mounted | {"proc", "dev", "sys"}:
            flags = linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY
            try:
                linux.mount("none", entry.path, flags=flags | linux.kept_flags(entry.path))
            except OSError:  # not a mount point: it was rebuilt in the root's own tmpfs
                continue
    linux.mount("none", str(root), flags=linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY)
