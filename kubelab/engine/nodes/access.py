"""Ways into a running pod: commands in its containers, their own streams, its ports."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from kubelab.client import Object
from kubelab.engine.apiserver.pod_streams import StreamOptions
from kubelab.engine.apiserver.status import failure, internal
from kubelab.engine.nodes import sessions
from kubelab.engine.nodes.launch import container_directory
from kubelab.engine.nodes.plan import ContainerPlan, PodPlan
from kubelab.engine.nodes.planning import rewriter
from kubelab.engine.nodes.pod_worker import PodWorker

_EXEC_ERROR = (
    "error executing command in container: failed to exec in container: failed to start exec: "
    "OCI runtime exec failed: exec failed: unable to start container process: "
)


class PodAccess:
    """What `apiserver.pod_streams.StreamHandler` asks of a node.

    Parameters
    ----------
    worker_of : callable
        From a pod's uid to the work on it, if it is on this node.
    """

    def __init__(self, worker_of: Callable[[str], PodWorker | None]) -> None:
        self._worker_of = worker_of

    def check_running(self, pod: Object, container: str) -> PodWorker:
        """Return the work on a pod if the container runs.

        Raises
        ------
        ApiError
            500 in the kubelet's words.
        """
        worker = self._worker_of(pod["metadata"]["uid"])
        status = worker.container(container) if worker else None
        if worker is None or status is None or "running" not in status["state"]:
            message = f'unable to upgrade connection: container not found ("{container}")'
            raise failure(500, "InternalError", message)
        return worker

    async def exec(self, pod: Object, container: str, options: StreamOptions) -> sessions.Session:
        """Run a command in a container.

        Raises
        ------
        ApiError
            500 if it cannot be started.
        """
        directory = self.check_running(pod, container).directory
        argv = _as_the_container_sees(list(options.command), PodPlan.load(directory), container, directory)
        try:
            return await sessions.execute(directory, container, argv, stdin=options.stdin, tty=options.tty)
        except sessions.SessionRefusedError as error:
            raise internal(RuntimeError(f"{_EXEC_ERROR}{error}: unknown")) from error

    async def attach(self, pod: Object, container: str, options: StreamOptions) -> sessions.Session:
        """Join the streams of a container's own process.

        Raises
        ------
        ApiError
            500 if it does not run any more.
        """
        directory = self.check_running(pod, container).directory
        plan = _container_plan(PodPlan.load(directory), container)
        wanted = {"stdout": options.stdout, "stderr": options.stderr and not plan.tty}
        streams = [name for name, asked in wanted.items() if asked]
        try:
            return await sessions.attach(
                directory, container, stdin=options.stdin, streams=streams, tty=plan.tty and options.tty
            )
        except sessions.SessionRefusedError as error:
            raise internal(RuntimeError(f"error attaching to container: {error}")) from error

    async def connect(self, pod: Object, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection to a port of the pod's own address.

        Raises
        ------
        ApiError
            500 if nothing listens there.
        """
        uid = pod["metadata"]["uid"]
        worker = self._worker_of(uid)
        failed = f"error forwarding port {port} to pod {uid}, uid : "
        if worker is None or not worker.live:
            raise failure(500, "InternalError", f"{failed}pod not found ({pod['metadata']['name']!r})")
        address = PodPlan.load(worker.directory).address
        try:
            return await asyncio.open_connection(address, port)
        except OSError as error:
            reason = os.strerror(error.errno).lower() if error.errno else str(error)
            raise failure(
                500, "InternalError", f"{failed}dial tcp4 {address}:{port}: connect: {reason}"
            ) from error


def _container_plan(plan: PodPlan, name: str) -> ContainerPlan:
    return next(each for each in plan.containers if each.name == name)


def _as_the_container_sees(argv: list[str], plan: PodPlan, container: str, directory: Path) -> list[str]:
    """Return a command with mount paths replaced, where the machine refuses mount namespaces."""
    if plan.isolation.namespaces:
        return argv
    own = _container_plan(plan, container)
    rewrite = rewriter(own.mounts, own.termination_message_path, container_directory(directory, container))
    return [rewrite(word) for word in argv]
