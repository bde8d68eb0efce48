"""Pod addresses: each pod of a node has its own in 127.x.0.0/16, where x belongs to this node.

Loopback addresses need no interface and no privilege, and let two jobs use one port.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
from pathlib import Path

from kubelab.engine.nodes.plan import read_json, write_json

_FIRST, _LAST = 16, 250
_HOSTS = 250 * 250


class Addresses:
    """Hands out addresses, and keeps them for names that are asked for before their pod exists.

    Parameters
    ----------
    state_dir : Path
        Where the node's block is written down, so that it is the same after a restart.
    node : str
        The node's name.
    """

    def __init__(self, state_dir: Path, node: str) -> None:
        self._path = state_dir / f"network-{node}.json"
        self._guard: socket.socket | None = None
        self._octet = self._claim(f"{state_dir}/{node}")
        self._by_uid: dict[str, str] = {}
        self._reserved: dict[tuple[str, str], str] = {}
        self._next = 1

    @property
    def by_uid(self) -> dict[str, str]:
        """Pod uid to address."""
        return self._by_uid

    @property
    def block(self) -> str:
        """The node's block, as ``spec.podCIDR`` has it."""
        return f"127.{self._octet}.0.0/16"

    def keep(self, uid: str, address: str) -> None:
        """Note the address of a pod that has one from before."""
        self._by_uid[uid] = address

    def of_pod(self, uid: str, namespace: str, names: set[str]) -> str:
        """Return the pod's address: the one it has, one kept for one of its names, or a new one."""
        if uid not in self._by_uid:
            kept = next(
                (self._reserved[namespace, name] for name in names if (namespace, name) in self._reserved),
                None,
            )
            self._by_uid[uid] = kept or self._free()
        return self._by_uid[uid]

    def of_name(self, namespace: str, name: str) -> str:
        """Return the address that the name's pod has or will have."""
        if (namespace, name) not in self._reserved:
            self._reserved[namespace, name] = self._free()
        return self._reserved[namespace, name]

    def reserve(self, namespace: str, name: str, address: str) -> None:
        """Keep a pod's address for its name, so that a successor gets the same."""
        self._reserved[namespace, name] = address

    def release(self, uid: str) -> None:
        """Take a pod's address back."""
        self._by_uid.pop(uid, None)

    def close(self) -> None:
        """Let others use the block."""
        if self._guard:
            self._guard.close()

    def _free(self) -> str:
        used = set(self._by_uid.values()) | set(self._reserved.values())
        for _ in range(_HOSTS):
            third, fourth = divmod(self._next, 250)
            self._next = (self._next + 1) % _HOSTS
            address = f"127.{self._octet}.{third}.{fourth + 2}"
            if address not in used:
                return address
        raise OSError(f"the node's {_HOSTS} pod addresses are all in use")

    def _claim(self, seed: str) -> int:
        """Return the octet used before, or one that no other node on this machine holds."""
        with contextlib.suppress(FileNotFoundError):
            octet = int(read_json(self._path)["octet"])
            self._guard = _guard(octet)
            return octet
        first = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")
        for step in range(_LAST - _FIRST):
            octet = _FIRST + (first + step) % (_LAST - _FIRST)
            self._guard = _guard(octet)
            if self._guard:
                break
        write_json(self._path, {"octet": octet})
        return octet


def _guard(octet: int) -> socket.socket | None:
    """Hold an abstract socket that tells other nodes on this machine that the block is in use."""
    guard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        guard.bind(f"\0kubelab-pods-127.{octet}")
    except OSError:
        guard.close()
        return None
    return guard
