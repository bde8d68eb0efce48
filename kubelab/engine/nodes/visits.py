"""Those who come into a running pod: ``kubectl exec`` and ``kubectl attach``, on the supervisor's side.

A visit lasts as long as its connection: when the node closes it, or is killed, what the visit started ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kubelab.engine.nodes import launch, stream_socket, usage
from kubelab.engine.nodes.console import Console, Viewer
from kubelab.engine.nodes.container import Container
from kubelab.engine.nodes.host import Host
from kubelab.engine.nodes.process import Callbacks, Process, Streams

_TERMINAL = {"TERM": "xterm"}
"""What containerd adds to the environment of a command that gets a terminal."""


class Visits:
    """Takes in whoever connects to the pod's socket."""

    def __init__(self, host: Host, containers: Mapping[str, Container]) -> None:
        self._host = host
        self._containers = containers
        self._visits: set[_Visit] = set()
        self._lingering = False

    def linger(self, patience_s: float) -> None:
        """Stay until everybody has got what the pod's containers wrote, and knows that they have ended."""
        self._lingering = True
        if self._visits:
            self._host.loop.after(patience_s, self._host.loop.stop)
            self._host.loop.run_on()

    def over(self, visit: _Visit) -> None:
        """Take note that somebody has left, or has been told all."""
        self._visits.discard(visit)
        if not self._visits and self._lingering:
            self._host.loop.stop()

    def open(self, directory: Path) -> None:
        """Begin to take visitors."""
        listener = stream_socket.listen(directory)
        self._host.loop.read(listener.fileno(), lambda: self._on_connection(listener))

    def _on_connection(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            connection, _ = listener.accept()
            connection.setblocking(False)
            self._visits.add(_Visit(self._host, connection, self._containers, self.over))


class _Visit:
    """One connection: its first message says what it wants."""

    def __init__(
        self,
        host: Host,
        connection: socket.socket,
        containers: Mapping[str, Container],
        over: Callable[[_Visit], None],
    ) -> None:
        self._over = over
        self._host = host
        self._connection = connection
        self._containers = containers
        self._process: Process | None = None
        self._container: Container | None = None
        self._console: Console | None = None
        self._viewer: Viewer | None = None
        self._error = ""
        host.loop.read(connection.fileno(), self._on_message)

    def _on_message(self) -> None:
        try:
            message, descriptors = stream_socket.receive(self._connection)
        except BlockingIOError:
            return
        if message is None:
            self._leave()
        elif "close_stdin" in message:
            if self._console and self._viewer:
                self._console.end_stdin_of(self._viewer)
        else:
            self._begin(message, descriptors)

    def _begin(self, order: dict[str, Any], descriptors: list[int]) -> None:
        container = self._containers.get(order["container"])
        if container is None or container.process is None:
            for fd in descriptors:
                os.close(fd)
            self._answer({"started": f'container not found ("{order["container"]}")'})
        elif "argv" in order:
            self._execute(container, order, descriptors)
        else:
            self._attach(container, order, descriptors)

    def _answer(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        with contextlib.suppress(OSError):
            stream_socket.send(self._connection, message, descriptors)

    # -- exec ---------------------------------------------------------------------------------------

    def _execute(self, container: Container, order: dict[str, Any], descriptors: list[int]) -> None:
        pid = container.process.pid if container.process else 0
        plan, pod, argv, terminal = container.plan, self._host.pod, order["argv"], order["tty"]

        def child() -> None:
            container.group.join()
            launch.join_container(pid, plan, pod, argv, _TERMINAL if terminal else None)

        self._container = container
        self._process = Process(
            self._host.loop,
            child,
            Callbacks(lambda _stream, _data: None, self._on_started, self._on_end),
            Streams(descriptors[0], descriptors[1], descriptors[2], terminal=terminal),
        )
        container.visited_by(self._process.pid)

    def _on_started(self, error: str | None) -> None:
        self._error = error or ""
        self._answer({"started": self._error})

    def _on_end(self, status: int) -> None:
        self._process = None
        code = os.waitstatus_to_exitcode(status)
        self._answer({"ended": 128 - code if code < 0 else code})
        self._over(self)

    # -- attach -------------------------------------------------------------------------------------

    def _attach(self, container: Container, order: dict[str, Any], descriptors: list[int]) -> None:
        console = container.console
        if console is None:
            self._answer({"started": f'container not found ("{container.plan.name}")'})
            return
        typing = order["stdin"] and console.stdin is not None
        outputs = dict(zip(order["outputs"], descriptors, strict=True))
        self._console = console
        self._viewer = console.viewer(outputs, self._on_finished, typing=typing)
        console.attach(self._viewer)
        stdin = (console.stdin,) if typing and console.stdin is not None else ()
        self._answer({"started": ""}, stdin)

    def _on_finished(self) -> None:
        if self._viewer:
            self._viewer.close()
        self._answer({"ended": 0})
        self._over(self)

    # -- the end ------------------------------------------------------------------------------------

    def _leave(self) -> None:
        """End what the visitor started, with its whole session and what descends from it."""
        self._host.loop.forget(self._connection.detach())
        if self._console and self._viewer:
            self._console.detach(self._viewer)
            self._viewer.close()
        if self._process:
            table = usage.processes()
            session = {entry.pid for entry in table.values() if entry.session == self._process.pid}
            for pid in session | usage.descendants(session, table):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        else:
            self._over(self)
