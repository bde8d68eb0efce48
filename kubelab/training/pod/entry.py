"""The way of a worker from its archive to its exit code; the archive's ``__main__`` calls `main`."""

from __future__ import annotations

import atexit
import io
import json
import os
import sys
import zipfile
from dataclasses import dataclass
from typing import Any

from kubelab.errors import KubelabError
from kubelab.training.pod import failure
from kubelab.training.pod.arguments import read_arguments
from kubelab.training.pod.context import Session, open_session
from kubelab.training.pod.distributed import leave
from kubelab.training.pod.environment import PodEnvironment

MANIFEST = "manifest.json"
PAYLOAD = "function.pickle"
_JAX_ARRAYS = b"jax._src.array"


@dataclass(frozen=True, slots=True)
class Shipment:
    """What the archive holds.

    Parameters
    ----------
    payload : bytes
        The pickled function and those of its arguments that JSON cannot carry.
    defaults : dict
        The function's defaults that JSON can carry.
    sources, labels : dict
        Text and title of each file of the user's that has no file here.
    """

    payload: bytes
    defaults: dict[str, Any]
    sources: dict[str, str]
    labels: dict[str, str]


def main(archive: str) -> None:
    """Run the archive's function and end the process with the worker's exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    shipment = _open(archive)
    failure.remember_sources(shipment.sources)
    session: Session | None = None
    try:
        args = read_arguments()
        session = open_session({**shipment.defaults, **args})
        _check_restarts(session)
        _run(shipment, session, args)
        session.close()
        leave()
        _keep_caches(session)
    except SystemExit as asked:
        _exit(asked.code if isinstance(asked.code, int) else int(asked.code is not None), session)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the worker's end
        environment = session.environment if session is not None else PodEnvironment()
        _exit(failure.end(error, environment, archive, shipment.labels), session)


def _check_restarts(session: Session) -> None:
    allowed = session.environment.max_restarts
    if allowed is not None and session.reporter.attempt > allowed:
        raise KubelabError(
            f"this worker was lost and started again {allowed} times, as often as max_restarts allows"
        )


def _run(shipment: Shipment, session: Session, args: dict[str, Any]) -> None:
    if _JAX_ARRAYS in shipment.payload:
        # To unpickle an array is to use a device, and workers must have met before that.
        session.join()
    function, pickled = _load(shipment.payload)
    session.args.update(pickled)
    result = function(**args, **pickled)
    if result is not None and session.environment.rank == 0:
        sys.stdout.write(f"returned {result!r}\n")


def _keep_caches(session: Session) -> None:
    """Let JAX's caches end with the process: to empty them first takes 40 ms, longer than a trial's step."""
    jax: Any = sys.modules.get("jax._src.api")
    if jax is not None and session.environment.size == 1 and hasattr(jax, "clean_up"):
        atexit.unregister(jax.clean_up)


def _open(archive: str) -> Shipment:
    with zipfile.ZipFile(archive) as file:
        manifest = json.loads(file.read(MANIFEST))
        return Shipment(file.read(PAYLOAD), manifest["defaults"], manifest["sources"], manifest["labels"])


def _load(payload: bytes) -> Any:
    import cloudpickle

    try:
        return cloudpickle.loads(payload)
    except ModuleNotFoundError as error:
        raise KubelabError(_missing(error.name or "")) from None


def _missing(module: str) -> str:
    if module.startswith("kubelab"):
        return (
            f"the function refers to {module}, which stays with the notebook: inside a job there is only "
            "kubelab.training with context() and report(), and kubelab.llm."
        )
    return (
        f"the function needs the module {module!r}, which this image does not have. "
        "Choose an image that has it: train(..., image=...)."
    )


def _exit(code: int, session: Session | None) -> None:
    """End at once: closing sockets is what tells the other workers, and exit handlers may wait for them."""
    if session is not None:
        session.reporter.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
