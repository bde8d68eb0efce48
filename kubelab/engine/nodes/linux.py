"""The Linux system calls that the standard library lacks: namespaces, mounts, prctl, madvise.

Constants are those of the kernel's uapi headers (linux/sched.h, linux/mount.h, linux/prctl.h, asm/mman.h).
"""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWUSER = 0x10000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_UNBINDABLE = 1 << 17
MS_SLAVE = 1 << 19
MNT_DETACH = 2

_MADV_DONTNEED = 4
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "arm64": 41, "ppc64le": 203, "riscv64": 41, "s390x": 217}


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def load() -> None:
    """Open the C library now, so that forked children find it open."""
    _libc()


def unshare(flags: int) -> None:
    """Move this process into new namespaces; `OSError` where it may not."""
    _check(_libc().unshare(flags), "unshare")


def set_hostname(name: str) -> None:
    """Set the hostname of this UTS namespace."""
    encoded = name.encode()
    _check(_libc().sethostname(encoded, len(encoded)), "sethostname")


def mount(source: str, target: str, filesystem: str = "", flags: int = 0, data: str = "") -> None:
    """Mount as mount(2) does."""
    result = _libc().mount(
        source.encode(), target.encode(), filesystem.encode() or None, ctypes.c_ulong(flags), data.encode()
    )
    _check(result, f"mount {target}")


def bind(source: str, target: str) -> None:
    """Show a file or directory, with what is mounted below it, at a second place."""
    mount(source, target, flags=MS_BIND | MS_REC)


def make_read_only(target: str) -> None:
    """Take the right to write from what is mounted there."""
    mount("none", target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | kept_flags(target))


def kept_flags(path: str) -> int:
    """Return the flags that a user namespace may not clear when it mounts again."""
    flags = os.statvfs(path).f_flag
    pairs = ((os.ST_NOSUID, MS_NOSUID), (os.ST_NODEV, MS_NODEV), (os.ST_NOEXEC, MS_NOEXEC))
    return sum(flag for bit, flag in pairs if flags & bit)


def pivot_root(new_root: str) -> None:
    """Make a mounted directory the root and let go of the old one."""
    number = _PIVOT_ROOT.get(platform.machine())
    os.chdir(new_root)
    if number is None or _libc().syscall(number, b".", b".") != 0:
        os.chroot(".")
    else:
        _check(_libc().umount2(b".", MNT_DETACH), "umount2")
    os.chdir("/")


def die_with_parent(signal_number: int) -> None:
    """Ask the kernel to signal this process when the thread that forked it ends."""
    _check(_libc().prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends."""
    _check(_libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def set_process_name(name: str) -> None:
    """Set the name that ps shows (15 bytes)."""
    _libc().prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def release_code() -> None:
    """Let go of the pages of program code that only importing needed; what runs again is mapped again.

    Only segments that nobody writes to: relocated data looks read-only too, and would be lost.
    """
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, mode, *_, name = line.split(maxsplit=5)
        if mode == "r-xp" and name.startswith("/"):
            start, end = (int(address, 16) for address in span.split("-"))
            _libc().madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)
