"""What a measurement leaves in a cluster while it runs, and how a later one knows it: labels and a holder.

Every object that a run makes for the whole cluster, its namespace and its simulated nodes, carries the label
and the holder. Nothing without them is ever removed.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import parse_rfc3339, rfc3339
from kubelab.processes import start_ticks

RUN_LABEL = "limits.kubelab.dev/run"
HOLDER = "limits.kubelab.dev/holder"
UNTIL = "limits.kubelab.dev/until"
PREFIX = "kubelab-limits-"


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that measures: its machine, its number and when it began, in ticks; "" if unknown."""

    host: str
    pid: int
    started: str

    @staticmethod
    def own() -> Holder:
        """Return this process."""
        return Holder(socket.gethostname(), os.getpid(), str(start_ticks(os.getpid()) or ""))

    @staticmethod
    def read(text: str) -> Holder | None:
        """Return what `__str__` wrote; None if it is something else."""
        parts = text.split("/")
        if len(parts) != 3 or not parts[1].isdigit():  # host, pid, start
            return None
        return Holder(parts[0], int(parts[1]), parts[2])

    def __str__(self) -> str:
        return f"{self.host}/{self.pid}/{self.started}"

    @property
    def is_gone(self) -> bool:
        """Whether it is known that the process ended: it was on this machine, and is not there."""
        if self.host != socket.gethostname() or not self.started:
            return False
        return str(start_ticks(self.pid)) != self.started


def mark(meta: Object, run: str, holder: Holder, until: datetime) -> Object:
    """Return metadata with the run's label and holder."""
    return {
        **meta,
        "labels": {**(meta.get("labels") or {}), RUN_LABEL: run},
        "annotations": {
            **(meta.get("annotations") or {}),
            HOLDER: str(holder),
            UNTIL: rfc3339(until),
        },
    }


def holder_of(obj: Object) -> Holder | None:
    """Return who made an object; None if it says nothing of it, so that it is not ours to remove."""
    return Holder.read((obj["metadata"].get("annotations") or {}).get(HOLDER, ""))


def is_left(obj: Object, now: datetime) -> bool:
    """Say whether an object of a run has been left behind: its process ended, or its time has passed."""
    holder = holder_of(obj)
    if holder is None:
        return False
    try:
        until = parse_rfc3339(obj["metadata"]["annotations"].get(UNTIL, ""))
    except ValueError:
        return holder.is_gone
    return holder.is_gone or now > until + timedelta(seconds=1)
