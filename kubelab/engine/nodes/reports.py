"""What a supervisor tells the node: the pod's state and events, in a file and a nudge."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import Any

from kubelab.clock import Clock
from kubelab.engine.nodes import usage
from kubelab.engine.nodes.container import Container
from kubelab.engine.nodes.plan import ContainerPlan, read_json, write_json

_MAX_EVENTS = 100


class Report:
    """The pod's ``status.json``.

    Parameters
    ----------
    directory : Path
        ``pods/<uid>``.
    """

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._events: list[dict[str, Any]] = []
        self._event_count = 0

    def record(self, type: str, reason: str, message: str, container: ContainerPlan) -> None:
        """Add an event; the last 100 are kept."""
        self._event_count += 1
        field = "containers" if container.role == "main" else "initContainers"
        event = {
            "number": self._event_count,
            "type": type,
            "reason": reason,
            "message": message,
            "field": f"spec.{field}{{{container.name}}}",
            "time": self._clock.now().isoformat(),
        }
        self._events = [*self._events[1 - _MAX_EVENTS :], event]

    def write(
        self,
        containers: list[tuple[Container, float]],
        *,
        ended: bool,
        reason: str,
        message: str,
        resize_error: str = "",
    ) -> None:
        """Write the file and nudge the node.

        Parameters
        ----------
        containers : list of (Container, float)
            Each with the delay in seconds that its next start gets.
        """
        document = {
            "ended": ended,
            "reason": reason,
            "message": message,
            "resize_error": resize_error,
            "containers": [_entry(container, back_off_s) for container, back_off_s in containers],
            "events": self._events,
        }
        write_json(self._directory / "status.json", document)
        nudge(self._directory)

    def read(self) -> list[dict[str, Any]]:
        """Return the containers that an earlier supervisor wrote of, and go on from its events."""
        try:
            document = read_json(self._directory / "status.json")
        except FileNotFoundError:
            return []
        self._events = document["events"]
        self._event_count = self._events[-1]["number"] if self._events else 0
        return list(document["containers"])


def _entry(container: Container, back_off_s: float) -> dict[str, Any]:
    pid = container.process.pid if container.process else 0
    found = usage.stat(pid) if pid else None
    return {
        "role": container.plan.role,
        "pid": pid,
        "start": found.start if found else 0,
        "visitors": sorted(container.visitors),
        "runs": container.runs,
        "back_off_s": back_off_s,
        "resources": container.plan.resources,
        "status": container.status(),
    }


def nudge(directory: Path) -> None:
    """Tell the node that a status changed; files are the truth, so a lost datagram costs only time."""
    with contextlib.suppress(OSError):
        parent = os.open(directory.parent.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
                sender.sendto(directory.name.encode(), f"/proc/self/fd/{parent}/node.sock")
        finally:
            os.close(parent)
