"""Exec and attach on the node's side: the streams of a command in a pod, or of its container itself."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import socket
import struct
import termios
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from kubelab.engine.nodes import stream_socket
from kubelab.engine.nodes.descriptor import Descriptor


class SessionRefusedError(Exception):
    """The supervisor cannot do it; the message says why."""


class Session:
    """What a visitor has of a pod: streams, and how the command ended.

    Parameters
    ----------
    connection : socket
        To the supervisor; as long as it is open, the command lives.
    outputs : dict of str to Descriptor
        What to read, by stream.
    stdin, terminal : Descriptor or None
        What to write to, and what has a size.
    """

    def __init__(
        self,
        connection: socket.socket,
        outputs: dict[str, Descriptor],
        stdin: Descriptor | None,
        terminal: Descriptor | None,
    ) -> None:
        self._connection = connection
        self._outputs = outputs
        self._stdin = stdin
        self._terminal = terminal
        self._ended: asyncio.Task[int | None] = asyncio.create_task(self._until_end())

    async def output(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield (stream, data) as it comes, until the command has ended."""
        queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(4)
        readers = [asyncio.create_task(_read(name, each, queue)) for name, each in self._outputs.items()]
        finishing = asyncio.create_task(self._finish(readers, queue))
        try:
            while (item := await queue.get())[0]:
                yield item
        finally:
            for task in (*readers, finishing):
                task.cancel()
            await asyncio.gather(*readers, finishing, return_exceptions=True)

    async def write(self, data: bytes) -> None:
        """Write to the command's standard input."""
        if self._stdin:
            await self._stdin.write(data)

    def close_stdin(self) -> None:
        """End the command's standard input; a terminal has no end but its own key for it."""
        if self._stdin and self._stdin is not self._terminal:
            self._stdin.close()
            with contextlib.suppress(OSError):
                stream_socket.send(self._connection, {"close_stdin": True})

    def resize(self, width: int, height: int) -> None:
        """Set the terminal's size in characters."""
        if self._terminal and self._terminal.fd >= 0:
            size = struct.pack("HHHH", height, width, 0, 0)
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._terminal.fd, termios.TIOCSWINSZ, size)

    async def exit_code(self) -> int | None:
        """Return how it ended; None if the pod's supervisor was killed."""
        return await asyncio.shield(self._ended)

    async def close(self) -> None:
        """Leave; what was started for this session ends."""
        self._ended.cancel()
        await asyncio.wait((self._ended,))
        self._connection.close()
        for each in {*self._outputs.values(), self._stdin, self._terminal} - {None}:
            if each:
                each.close()

    async def _until_end(self) -> int | None:
        answer = await _message(self._connection)
        return None if answer is None else int(answer["ended"])

    async def _finish(
        self, readers: list[asyncio.Task[None]], queue: asyncio.Queue[tuple[str, bytes]]
    ) -> None:
        """End the output with the command, although what it left running may hold its streams."""
        await asyncio.wait((self._ended,))
        for each in self._outputs.values():
            each.finish()
        if readers:
            await asyncio.wait(readers)
        await queue.put(("", b""))


async def execute(directory: Path, container: str, argv: list[str], *, stdin: bool, tty: bool) -> Session:
    """Run a command in a container.

    Raises
    ------
    SessionRefusedError
        If it cannot be started.
    """
    order = {"container": container, "argv": argv, "tty": tty}
    if tty:
        master, slave = pty.openpty()
        terminal = Descriptor(master)
        connection, _ = await _begin(directory, order, [slave, slave, slave], [terminal])
        return Session(connection, {"stdout": terminal}, terminal if stdin else None, terminal)
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    input_end, typed = os.pipe() if stdin else (os.open(os.devnull, os.O_RDONLY), -1)
    outputs = {"stdout": Descriptor(out), "stderr": Descriptor(err)}
    writer = Descriptor(typed) if stdin else None
    kept = [*outputs.values(), *([writer] if writer else [])]
    connection, _ = await _begin(directory, order, [input_end, out_end, err_end], kept)
    return Session(connection, outputs, writer, None)


async def attach(directory: Path, container: str, *, stdin: bool, streams: list[str], tty: bool) -> Session:
    """See a container's output from now on, and write to its standard input if it has one.

    Raises
    ------
    SessionRefusedError
        If it does not run.
    """
    pipes = {name: os.pipe() for name in streams}
    outputs = {name: Descriptor(read) for name, (read, _) in pipes.items()}
    order = {"container": container, "stdin": stdin or tty, "outputs": list(pipes)}
    ends = [end for _, end in pipes.values()]
    connection, given = await _begin(directory, order, ends, list(outputs.values()))
    writer = Descriptor(given[0]) if given else None
    return Session(connection, outputs, writer if stdin else None, writer if tty else None)


async def _begin(
    directory: Path, order: dict[str, Any], given: list[int], kept: list[Descriptor]
) -> tuple[socket.socket, list[int]]:
    """Send an order with descriptors, which are given away, and wait for the answer."""
    connection: socket.socket | None = None
    try:
        connection = stream_socket.connect(directory)
        stream_socket.send(connection, order, given)
        answer, descriptors = await _message_with_descriptors(connection)
        if answer is None or answer["started"]:
            raise SessionRefusedError(  # noqa: TRY301 - closing is the same for every failure
                (answer or {}).get("started") or "the pod's supervisor has ended"
            )
    except BaseException as error:
        for each in kept:
            each.close()
        if connection:
            connection.close()
        if isinstance(error, OSError):
            raise SessionRefusedError(f"the pod's supervisor cannot be reached: {error}") from error
        raise
    finally:
        for fd in set(given):
            os.close(fd)
    return connection, descriptors


async def _read(name: str, source: Descriptor, queue: asyncio.Queue[tuple[str, bytes]]) -> None:
    while data := await source.read():
        await queue.put((name, data))


async def _message(connection: socket.socket) -> dict[str, Any] | None:
    return (await _message_with_descriptors(connection))[0]


async def _message_with_descriptors(connection: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    loop = asyncio.get_running_loop()
    while True:
        with contextlib.suppress(BlockingIOError):
            return stream_socket.receive(connection)
        ready = asyncio.Event()
        loop.add_reader(connection.fileno(), ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(connection.fileno())
