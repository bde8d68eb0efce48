"""The socket by which a node reaches a pod's supervisor: orders with file descriptors in, answers out.

Each message is one JSON object. Node and supervisor hand each other the ends of pipes and terminals, so that
what a command reads and writes passes through neither of them twice.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

MAX_MESSAGE_BYTES = 1 << 17
_NAME = "streams.sock"
_MAX_DESCRIPTORS = 4
_BACKLOG = 64


def listen(directory: Path) -> socket.socket:
    """Return a listening socket in a pod's directory."""
    (directory / _NAME).unlink(missing_ok=True)
    listener = _socket()
    _by_short_name(directory, listener.bind)
    (directory / _NAME).chmod(0o600)  # it takes commands
    listener.listen(_BACKLOG)
    return listener


def connect(directory: Path) -> socket.socket:
    """Return a connection to a pod's supervisor.

    Raises
    ------
    OSError
        If none listens.
    """
    connection = _socket()
    try:
        _by_short_name(directory, connection.connect)
    except OSError:
        connection.close()
        raise
    return connection


def send(connection: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one message."""
    socket.send_fds(connection, [json.dumps(message).encode()], descriptors)


def receive(connection: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Return one message and its descriptors; None once the other side has gone.

    Raises
    ------
    BlockingIOError
        If nothing has come.
    """
    try:
        data, descriptors, _, _ = socket.recv_fds(connection, MAX_MESSAGE_BYTES, _MAX_DESCRIPTORS)
    except ConnectionError:
        return None, []
    return (json.loads(data) if data else None), descriptors


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    made.setblocking(False)
    return made


def _by_short_name(directory: Path, use: Callable[[str], None]) -> None:
    """Name the socket through its open directory: a path may be longer than a socket's name."""
    parent = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        use(f"/proc/self/fd/{parent}/{_NAME}")
    finally:
        os.close(parent)
