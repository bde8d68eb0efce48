"""The warm parent: an interpreter that has imported JAX and forks a supervisor for each pod.

It initialises no backend and has one thread when it forks. Requests are lines of JSON on its standard
input, a socket: ``{"directory": "pods/<uid>"}``; answers are ``{"ready": true}`` once, then
``{"directory": "pods/<uid>", "pid": …}``. It ends when the other side closes.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path

from kubelab.engine.nodes import linux, python_main
from kubelab.engine.nodes.pod_process import become_supervisor

MODULES = (
    "numpy",
    "threadpoolctl",
    "cloudpickle",
    "jax",
    "jax.numpy",
    "flax.nnx",
    "optax",
    "orbax.checkpoint",
    "sklearn.datasets",
)


def preload() -> None:
    """Import what a training program imports; what is not installed is left out."""
    for name in MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with contextlib.suppress(ImportError):
        python_main.thread_pools()


def settle() -> None:
    """Get down to one thread and share as many pages with the children as can be."""
    if os.fork() == 0:  # libraries that keep threads (OpenBLAS) end them before a fork
        os._exit(0)
    os.wait()
    python_main.remember_modules()
    gc.collect()
    gc.disable()
    gc.freeze()
    linux.release_code()


def serve(requests: socket.socket) -> None:
    """Fork a supervisor for each request until the other side closes."""
    paths = [path for path in sys.path if path]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    requests.sendall(b'{"ready":true}\n')
    with requests.makefile("rb") as lines:
        for line in lines:
            directory = Path(json.loads(line)["directory"])
            pid = os.fork()
            if pid == 0:
                _be_child(requests, directory, paths)
            answer = {"directory": str(directory), "pid": pid}
            requests.sendall(json.dumps(answer).encode() + b"\n")


def _be_child(requests: socket.socket, directory: Path, paths: list[str]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    requests.detach()
    become_supervisor(directory, paths)


def main() -> None:
    """Import, settle, serve."""
    requests = socket.socket(fileno=0)
    linux.load()
    preload()
    linux.set_process_name("kubelab-warm")
    settle()
    serve(requests)


if __name__ == "__main__":
    main()
