"""The state folder of one lab cluster: where it is, who runs it, and how to reach it.

A folder is private to its user and holds everything a cluster has: the journal, keys, pods, the
kubeconfig, and a lock that the running control plane keeps for as long as it lives.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from kubelab.clock import monotonic
from kubelab.errors import KubelabError
from kubelab.home import home

Engine = Literal["embedded", "binaries", "kind"]
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$")


class ClusterNameError(KubelabError, ValueError):
    """The name cannot name a cluster."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name!r} cannot name a cluster. Use at most 40 lower-case letters, digits and inner hyphens."
        )


class StateLockedError(KubelabError):
    """Another process runs this cluster."""

    def __init__(self, name: str, pid: int | None) -> None:
        self.name = name
        self.pid = pid
        by = f" (process {pid})" if pid else ""
        super().__init__(
            f"cluster {name!r} is already running{by}. "
            f"Attach with Cluster.connect({name!r}), end it with `kubelab down --name {name}`, "
            "or start a second one with `kubelab up --name another`."
        )


class EngineMismatchError(KubelabError):
    """The cluster's state belongs to another engine."""

    def __init__(self, name: str, engine: Engine, wanted: Engine) -> None:
        self.name = name
        self.engine = engine
        self.wanted = wanted
        super().__init__(
            f"cluster {name!r} was made by the engine {engine!r}, whose state {wanted!r} cannot read. "
            f"Leave --engine out, choose another --name, or delete it: `kubelab down --name {name} --delete`."
        )


@dataclass(frozen=True, slots=True)
class Running:
    """How to reach a cluster that is ready; what ``kubelab up --json`` prints.

    ``metrics_url`` is where Prometheus finds what kubelab's parts measure, with the cluster's token or one of
    a service account that may read ``/metrics``; empty where none of them runs.

    One of the engine ``kind`` has neither a process of kubelab's nor a token: it is reached by certificate.
    """

    name: str
    server: str
    kubeconfig: str
    token: str = field(repr=False)
    pid: int | None
    engine: Engine = "embedded"
    metrics_url: str = ""


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The files of one cluster."""

    name: str
    path: Path

    @staticmethod
    def of(name: str) -> StateFolder:
        """Return the folder of a cluster by its name; it need not exist yet.

        Raises
        ------
        ClusterNameError
            If the name is not a short DNS label.
        """
        if not _NAME.match(name):
            raise ClusterNameError(name)
        return StateFolder(name, home() / name)

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig that reaches this cluster, written 0600."""
        return self.path / "kubeconfig"

    @property
    def log(self) -> Path:
        """What the control plane logs."""
        return self.path / "control-plane.log"

    def create(self) -> None:
        """Make the folder, and the one of all clusters where it is missing, readable by their user only."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.mkdir(exist_ok=True, mode=0o700)
        self.path.chmod(0o700)

    def lock(self, *, patience_s: float = 0.0) -> int:
        """Take the lock and return its file descriptor; it is held until the process ends.

        Parameters
        ----------
        patience_s : float
            How long to try: `holder` in another process takes the lock for an instant.

        Raises
        ------
        StateLockedError
            If another process holds it.
        """
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = monotonic() + patience_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if monotonic() < deadline:
                    time.sleep(0.01)
                    continue
                os.close(descriptor)
                raise StateLockedError(self.name, self._pid_of_holder()) from None
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
            return descriptor

    def holder(self) -> int | None:
        """Return the pid of the control plane that runs on this folder, ready or not."""
        try:
            descriptor = os.open(self.path / "lock", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._pid_of_holder()
        finally:
            os.close(descriptor)
        return None

    def engine(self) -> Engine | None:
        """Return the engine whose state is here; None if the folder is new."""
        record = self.path / "engine"
        if record.exists():
            text = record.read_text()
            return next((each for each in get_args(Engine) if each == text), "embedded")
        return "embedded" if (self.path / "journal.db").exists() else None

    def choose_engine(self, wanted: Engine | None) -> Engine:
        """Return the engine to run, the one whose state is here unless it is new; and remember it.

        Raises
        ------
        EngineMismatchError
            If another one is wanted.
        """
        kept = self.engine()
        if kept is None:
            kept = wanted or "embedded"
            record = self.path / "engine"
            record.touch(0o600)
            record.write_text(kept)
        if wanted not in (None, kept):
            raise EngineMismatchError(self.name, kept, wanted)
        return kept

    def running(self) -> Running | None:
        """Return how to reach the cluster, or None if it is not running or not ready."""
        found = self.last()  # of the control plane before this one, until this one is ready
        if found and found.engine == "kind":
            return found if _accepts(found.server) else None
        return found if found and found.pid == self.holder() else None

    def last(self) -> Running | None:
        """Return how the cluster was reached when it last ran."""
        try:
            return Running(**json.loads((self.path / "cluster.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write_running(self, running: Running) -> None:
        """Record that the cluster is ready, in one step."""
        target = self.path / "cluster.json"
        draft = target.with_suffix(".new")
        draft.touch(0o600)
        draft.write_text(json.dumps(asdict(running)))
        draft.replace(target)

    def _pid_of_holder(self) -> int | None:
        text = (self.path / "lock").read_text()
        return int(text) if text else None


def _accepts(server: str) -> bool:
    """Return whether somebody listens at a URL."""
    url = urlsplit(server)
    try:
        socket.create_connection((url.hostname or "", url.port or 443), timeout=1.0).close()
    except OSError:
        return False
    return True


def known() -> list[StateFolder]:
    """Return the clusters that have state here, by name."""
    if not home().exists():
        return []
    found = (path for path in home().iterdir() if (path / "lock").exists() and _NAME.match(path.name))
    return [StateFolder(path.name, path) for path in sorted(found)]
