"""Opens paths below a directory that symbolic links cannot lead out of, whoever planted them.

A path is resolved first, refused if it ends outside, and then walked one name at a time without following
links, so that a link put there in between leads nowhere (the way of the kubelet's ``subpath``).
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from kubelab.errors import KubelabError

_OPEN = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


class EscapeError(KubelabError):
    """A path leads out of the directory that it must stay in."""

    def __init__(self, path: str, directory: str) -> None:
        self.path = path
        self.directory = directory
        super().__init__(
            f"path {path!r} leads out of {directory}: a symbolic link in it points elsewhere. "
            "Use a link that stays within the volume."
        )


@contextlib.contextmanager
def opened(directory: str, path: str, *, file: bool = False) -> Iterator[str]:
    """Hold a path below a directory open, and make what is missing of it.

    Parameters
    ----------
    file : bool
        Whether a missing last name becomes an empty file; directories are made otherwise.

    Yields
    ------
    str
        A name of what was opened, below /proc, that means the same however links change.

    Raises
    ------
    EscapeError
        If the path leads out.
    """
    held = os.path.realpath(directory)
    real = Path(os.path.realpath(os.path.join(held, path.lstrip("/"))))  # noqa: PTH118 - both may be long
    if not real.is_relative_to(held):
        raise EscapeError(path, directory)
    descriptor = os.open(held, os.O_PATH | os.O_CLOEXEC)
    names = real.relative_to(held).parts
    try:
        for place, name in enumerate(names, 1):
            inner = _step(descriptor, name, file=file and place == len(names))
            os.close(descriptor)
            descriptor = inner
            if stat.S_ISLNK(os.fstat(descriptor).st_mode):
                raise EscapeError(path, directory)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _step(parent: int, name: str, *, file: bool) -> int:
    try:
        return os.open(name, _OPEN, dir_fd=parent)
    except FileNotFoundError:
        made = _make(parent, name, file=file)
    descriptor = os.open(name, _OPEN, dir_fd=parent)
    if made and stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.chmod(f"/proc/self/fd/{descriptor}", stat.S_IMODE(os.fstat(parent).st_mode))  # noqa: PTH101
    return descriptor


def _make(parent: int, name: str, *, file: bool) -> bool:
    try:
        if file:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644, dir_fd=parent))
        else:
            os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:  # another container of the pod was faster
        return False
    return True
