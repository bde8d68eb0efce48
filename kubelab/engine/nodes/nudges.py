"""The socket on which supervisors tell the node that a pod's status changed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path


class Nudges:
    """Listens on ``node.sock`` of the state directory until closed.

    Parameters
    ----------
    heard : callable
        Called with the uid of a pod.
    """

    def __init__(self, state_dir: Path, heard: Callable[[str], None]) -> None:
        self._heard = heard
        (state_dir / "node.sock").unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        directory = os.open(state_dir, os.O_PATH | os.O_DIRECTORY)
        try:
            self._socket.bind(
                f"/proc/self/fd/{directory}/node.sock"
            )  # a socket's path may have 107 bytes only
            (state_dir / "node.sock").chmod(0o600)
        finally:
            os.close(directory)
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def close(self) -> None:
        """Stop listening."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self._heard(self._socket.recv(256).decode())
