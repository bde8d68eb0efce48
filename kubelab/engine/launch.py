"""Start, find and end the background process that is a lab cluster."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from kubelab import portal
from kubelab.clock import monotonic
from kubelab.engine.json_log import explanation
from kubelab.engine.state import Engine, EngineMismatchError, Running, StateFolder, StateLockedError
from kubelab.errors import KubelabError

if TYPE_CHECKING:
    from kubelab.engine.apiserver.recovery import Recovery
    from kubelab.engine.kind import KindOptions

_READY_TIMEOUT_S = 60.0


class StartFailedError(KubelabError):
    """The control plane ended before it was ready."""

    def __init__(self, folder: StateFolder, cause: str) -> None:
        self.folder = folder
        self.cause = cause
        super().__init__(f"cluster {folder.name!r} did not start: {cause}\nIts log is {folder.log}.")


def up(
    name: str, *, engine: Engine | None = None, warm: bool = True, kind_options: KindOptions | None = None
) -> Running:
    """Start a cluster in the background and return once it is ready.

    A cluster whose process died comes back with its state: objects, running pods and logs.

    Parameters
    ----------
    engine : {"embedded", "binaries", "kind"}, optional
        What runs underneath: unless given, what did before, and for a new cluster the embedded one.
    kind_options : KindOptions, optional
        What a new cluster of the engine ``kind`` is like.

    Raises
    ------
    StateLockedError
        If it is already running.
    EngineMismatchError
        If its state is another engine's.
    BinariesMissingError
        If the programs of the engine ``binaries`` are not on this machine.
    KindMissingError
        If those of the engine ``kind`` are not.
    KindError
        If kind cannot make the cluster.
    KindOptionsError
        If there are options of kind for another engine.
    StartFailedError
        If it ended before it was ready.
    """
    folder = StateFolder.of(name)
    if kind_options and engine != "kind":
        from kubelab.engine.kind import KindOptionsError

        raise KindOptionsError(
            "--nodes, --kube-proxy-mode and --feature-gates are for the engine 'kind': add --engine kind."
        )
    if (engine or folder.engine()) == "kind":
        from kubelab.engine import kind

        return kind.up(folder, kind_options or kind.KindOptions())
    if engine == "binaries":
        from kubelab.engine.binaries.found import find

        find()  # before anything is made
    folder.create()
    if (pid := folder.holder()) is not None:
        raise StateLockedError(name, pid)
    chosen = folder.choose_engine(engine)
    ready, tell = os.pipe()
    command = [sys.executable, "-m", "kubelab.engine.daemon", "--name", name, "--ready-fd", str(tell)]
    command += ["--engine", chosen, *([] if warm else ["--no-warm"])]
    folder.log.touch(0o600)
    with folder.log.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[tell],
            start_new_session=True,
            cwd=folder.path,
        )
    os.close(tell)
    try:
        return _await_ready(folder, process, ready)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    finally:
        os.close(ready)


def recover(name: str) -> Recovery | None:
    """Bring back what can be read of a stopped cluster's damaged journal; None if it is not damaged.

    Raises
    ------
    StateLockedError
        If the cluster is running.
    """
    from kubelab.engine.apiserver import recovery

    folder = StateFolder.of(name)
    folder.create()
    lock = folder.lock()
    try:
        journal = folder.path / "journal.db"
        return recovery.recover(journal) if recovery.is_damaged(journal) else None
    finally:
        os.close(lock)


def ensure(name: str, *, engine: Engine | None = None, warm: bool = True) -> Running:
    """Return the running cluster of that name, starting it if there is none; raises as `up` does."""
    deadline = monotonic() + _READY_TIMEOUT_S
    folder = StateFolder.of(name)
    while monotonic() < deadline:
        running = folder.running()
        if running and engine not in (None, running.engine):
            raise EngineMismatchError(name, running.engine, engine)
        if running:
            return running
        try:
            return up(name, engine=engine, warm=warm)
        except StateLockedError:  # somebody else is starting it: it will be ready soon
            time.sleep(0.05)
    raise StartFailedError(folder, "another process holds its lock but never became ready")


def down(name: str, *, delete: bool = False) -> bool:
    """End a cluster and its pods; with ``delete`` also its state. Returns whether it was running.

    Processes left by a control plane that was killed are found and ended too, and rules that faults left.
    A cluster of the engine ``kind`` is always deleted.
    """
    from kubelab.engine.nodes.processes import end_all, wait_for_end

    folder = StateFolder.of(name)
    if folder.engine() == "kind":
        from kubelab.engine import kind

        return kind.down(folder)
    pid = folder.holder()
    is_clean = False
    if pid is not None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            if wait_for_end({pid}, 10.0):
                is_clean = number == signal.SIGTERM
                break
    if folder.path.exists():
        end_all(folder.path, grace_s=2.0)
        if not is_clean and shutil.which("nft"):
            from kubelab.engine.chaos.network import remove_rules
            from kubelab.engine.nodes.isolation import mark_of

            portal.run(remove_rules(mark_of(folder.path)))
        if delete:
            shutil.rmtree(folder.path)
    return pid is not None


def _await_ready(folder: StateFolder, process: subprocess.Popen[bytes], ready: int) -> Running:
    if not select.select([ready], [], [], _READY_TIMEOUT_S)[0]:
        process.kill()
        raise StartFailedError(folder, f"not ready within {_READY_TIMEOUT_S:.0f} s")
    with os.fdopen(os.dup(ready)) as told:
        line = told.readline()
    if not line:
        process.wait()
        raise StartFailedError(folder, explanation(folder.log.read_text(errors="replace")))
    answer = json.loads(line)
    if "error" in answer:
        process.wait()
        raise StartFailedError(folder, answer["error"])
    return Running(**answer)
