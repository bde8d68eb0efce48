"""The engine ``kind``: a cluster of kind's, whose nodes are containers, made and deleted by its program.

Nothing of kubelab runs in it or beside it. Its state is kind's own: ending it deletes it.
Configuration: kind.sigs.k8s.io/docs/user/configuration, ``kind.x-k8s.io/v1alpha4``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kubelab.engine.state import Running, StateFolder, StateLockedError
from kubelab.errors import KubelabError
from kubelab.http import Kubeconfig
from kubelab.limits.kind import KubeProxyMode, kind_config

_PROVIDER = "KIND_EXPERIMENTAL_PROVIDER"
_WAIT = "120s"
_STDERR = 2
_INSTALL = {
    "kind": "https://kind.sigs.k8s.io/docs/user/quick-start/#installation",
    "docker": "https://docs.docker.com/engine/install/",
}


class KindMissingError(KubelabError):
    """Programs that kind clusters need are not on this machine."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        self.missing = missing
        how = ", ".join(f"{name} as {_INSTALL[name]} says" if name in _INSTALL else name for name in missing)
        super().__init__(
            f"the engine 'kind' needs {' and '.join(missing)}, not found on PATH. Install {how}; "
            "or leave --engine out: the embedded engine needs nothing."
        )


class KindError(KubelabError):
    """A cluster of the engine ``kind`` cannot be made or ended."""

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(f"cluster {name!r}: {problem}. {remedy}")


class KindOptionsError(KubelabError, ValueError):
    """Options of the engine ``kind`` are wrong, or given for another engine."""


@dataclass(frozen=True, slots=True)
class KindOptions:
    """What a new cluster is like; what is not given is kind's default.

    Attributes
    ----------
    nodes : int
        The first is the control plane, which runs pods only when it is alone.
    kube_proxy_mode : {"iptables", "ipvs", "nftables"}, optional
        How Services are carried to pods.
    feature_gates : mapping of str to bool
        For every component of Kubernetes.
    """

    nodes: int = 1
    kube_proxy_mode: KubeProxyMode | None = None
    feature_gates: Mapping[str, bool] = field(default_factory=dict)


def parse_feature_gates(text: str) -> dict[str, bool]:
    """Return the gates of ``A=true,B=false``.

    Raises
    ------
    KindOptionsError
        If the text is written otherwise.
    """
    gates = {}
    for pair in filter(None, text.split(",")):
        gate, _, value = pair.strip().partition("=")
        if not gate.isalnum() or value not in ("true", "false"):
            raise KindOptionsError(
                f"--feature-gates has {pair!r}: write Name=true or Name=false, with commas."
            )
        gates[gate] = value == "true"
    return gates


def config(options: KindOptions) -> str:
    """Return kind's configuration of a cluster, as YAML."""
    return kind_config(
        nodes=options.nodes, proxy_mode=options.kube_proxy_mode, feature_gates=options.feature_gates
    )


def up(folder: StateFolder, options: KindOptions) -> Running:
    """Make a cluster, which takes a minute or more, and return once its nodes are ready.

    What kind says goes to standard error. A cluster that did not come to be is deleted.

    Raises
    ------
    KindMissingError
        If kind or Docker is not on this machine.
    KindError
        If Docker does not answer, the cluster exists, or kind fails.
    StateLockedError
        If it is running, or being made.
    EngineMismatchError
        If its state is another engine's.
    """
    if (pid := folder.holder()) is not None:
        raise StateLockedError(folder.name, pid)
    _check_programs(folder.name)
    exists = _full_name(folder) in _run(folder, "get", "clusters").split()
    if exists and folder.engine() is None:
        raise KindError(
            folder.name,
            f"kind has a cluster {_full_name(folder)}, which was not made from here",
            f"Choose another --name, or delete it: `kind delete cluster --name {_full_name(folder)}`.",
        )
    folder.create()
    lock = folder.lock()
    try:
        folder.choose_engine("kind")
        _check_not_made(folder)
        if exists:  # left by a kubelab that was killed before it was ready
            _delete(folder)
        return _create(folder, options)
    finally:
        os.close(lock)


def down(folder: StateFolder) -> bool:
    """Delete a cluster and its folder; return whether it had been ready.

    Raises
    ------
    KindMissingError
        If kind or Docker is not on this machine.
    KindError
        If the cluster is being made, or kind fails.
    """
    if (pid := folder.holder()) is not None:
        raise KindError(folder.name, f"process {pid} is making it", "Wait for it, or end it with Ctrl-C.")
    was_made = folder.last() is not None
    _check_programs(folder.name)
    _delete(folder)
    shutil.rmtree(folder.path)
    return was_made


def _check_not_made(folder: StateFolder) -> None:
    if folder.running():
        raise StateLockedError(folder.name, None)
    if last := folder.last():
        raise KindError(
            folder.name,
            f"it exists, but {last.server} does not answer",
            f"Start its containers: `docker start {_full_name(folder)}-control-plane` and its workers; "
            f"or delete it: `kubelab down --name {folder.name}`.",
        )


def _create(folder: StateFolder, options: KindOptions) -> Running:
    try:
        _run_create(folder, options)
        server = Kubeconfig.load(folder.kubeconfig).server
        running = Running(folder.name, server, str(folder.kubeconfig), token="", pid=None, engine="kind")
        folder.write_running(running)
    except BaseException:  # also Ctrl-C
        with _undisturbed():
            _delete(folder)
            shutil.rmtree(folder.path)
        raise
    return running


def _run_create(folder: StateFolder, options: KindOptions) -> None:
    command = _command(folder, "create", "cluster", "--config", "-", "--wait", _WAIT)
    done = subprocess.run(command, input=config(options), text=True, stdout=_STDERR, check=False)  # noqa: S603
    if done.returncode != 0:
        problem = f"`kind create cluster` ended with status {done.returncode}"
        raise KindError(folder.name, problem, "What it said stands above; nothing of it is left.")


def _delete(folder: StateFolder) -> None:
    _run(folder, *_command(folder, "delete", "cluster")[1:])


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let a second Ctrl-C change nothing: what the first one ended is to be gone, not half of it."""
    if threading.current_thread() is not threading.main_thread():  # which Ctrl-C never reaches
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def missing() -> tuple[str, ...]:
    """Return which of the programs that the engine needs are not on this machine."""
    return tuple(program for program in ("kind", _provider()) if shutil.which(program) is None)


def _provider() -> str:
    return os.environ.get(_PROVIDER) or "docker"


def _run(folder: StateFolder, *arguments: str) -> str:
    """Run kind to its end, whatever the terminal's Ctrl-C says, and return what it printed."""
    done = subprocess.run(  # noqa: S603 - our own arguments, no shell
        [_located("kind"), *arguments], capture_output=True, text=True, check=False, start_new_session=True
    )
    if done.returncode != 0:
        failed = f"`kind {' '.join(arguments)}` ended with status {done.returncode}"
        raise KindError(folder.name, failed, f"It said: {done.stderr.strip()}")
    return done.stdout


def _command(folder: StateFolder, *verb: str) -> list[str]:
    where = ["--name", _full_name(folder), "--kubeconfig", str(folder.kubeconfig)]
    return [_located("kind"), *verb, *where]


def _check_programs(name: str) -> None:
    provider = _provider()
    if lacking := missing():
        raise KindMissingError(lacking)
    answer = subprocess.run([_located(provider), "ps"], capture_output=True, text=True, check=False)  # noqa: S603
    if answer.returncode != 0:
        problem = f"{provider} does not work here ({answer.stderr.strip()})"
        raise KindError(name, problem, f"Start {provider}, and see that `{provider} ps` works.")


def _located(program: str) -> str:
    return shutil.which(program) or program


def _full_name(folder: StateFolder) -> str:
    return f"kubelab-{folder.name}"
