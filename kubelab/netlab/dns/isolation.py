"""What makes a process's network and files its own: addresses on its loopback, files over those of /etc.

For the first process of new network and mount namespaces; what is done here ends with them.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

FOLDER = Path("/run")
"""Covered by an empty file system of the namespace's own: what is written here ends with it."""
FILES = {
    "resolv.conf": "",
    "nsswitch.conf": "hosts: files dns\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "host.conf": "multi on\n",
}
"""What stands over the files of /etc that glibc looks names up by."""
_BIND = 4096
_PRIVATE_AND_ALL_BELOW = (1 << 18) | 16384
_SET_FLAGS, _SET_ADDRESS, _SET_MASK = 0x8914, 0x8916, 0x891C
_UP_AND_RUNNING = 0x1 | 0x40


def cover_files() -> None:
    """Put our own files over those of /etc, in this mount namespace only."""
    _mount("none", "/", None, _PRIVATE_AND_ALL_BELOW)
    _mount("tmpfs", str(FOLDER), "tmpfs", 0)  # also hides nscd's socket, which glibc would ask first
    for name, text in FILES.items():
        (FOLDER / name).write_text(text)
        target = Path("/etc", name)
        if target.exists():
            _mount(str(FOLDER / name), os.path.realpath(target), None, _BIND)
        elif name in ("resolv.conf", "nsswitch.conf"):
            raise FileNotFoundError(2, "there is no such file to cover", str(target))


def write_resolv_conf(text: str) -> None:
    """Replace what resolv.conf says, for processes that start from now on."""
    (FOLDER / "resolv.conf").write_text(text)


def raise_loopback(*addresses: str) -> None:
    """Bring the loopback device up, with more addresses on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        _set_flags(any_socket, "lo")
        for place, address in enumerate(addresses):
            device = f"lo:{place}"
            _set_address(any_socket, device, address, _SET_ADDRESS)
            _set_address(any_socket, device, "255.255.255.255", _SET_MASK)


def _set_flags(any_socket: socket.socket, device: str) -> None:
    fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14x", device.encode(), _UP_AND_RUNNING))


def _set_address(any_socket: socket.socket, device: str, address: str, what: int) -> None:
    packed = struct.pack("16sHH4s8x", device.encode(), socket.AF_INET, 0, socket.inet_aton(address))
    fcntl.ioctl(any_socket, what, packed)


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.mount(source.encode(), target.encode(), kind.encode() if kind else None, flags, None)
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount: {os.strerror(number)}", target)
