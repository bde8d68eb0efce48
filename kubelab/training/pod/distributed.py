"""Joining the workers of a job into one JAX program."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from typing import Any

from kubelab import clock
from kubelab.errors import KubelabError
from kubelab.training.pod.compilation import compile_once, keep_what_is_compiled
from kubelab.training.pod.environment import PodEnvironment

START_TIMEOUT_S = 3600
"""How long the first worker waits for the last one, which may still wait for a node."""
HEARTBEAT_TIMEOUT_S = 10
"""A worker silent for this long is taken for dead, and the others end too; JAX's own default is 100 s."""
_POLL_S = 0.01


def join(environment: PodEnvironment) -> None:
    """Connect to the other workers; a lone worker has none.

    Raises
    ------
    KubelabError
        If JAX computed something already, or the coordinator's name never resolves.
    """
    if environment.size == 1:
        compile_once()
        return
    import jax

    if jax.distributed.is_initialized():
        return
    _require_untouched_backend()
    keep_what_is_compiled()
    _wait_for_coordinator(environment)
    # JAX's preemption service would swallow the SIGTERM that ends a pod, which would then
    # wait out its whole grace period.
    with contextlib.suppress(AttributeError):
        jax.config.update("jax_enable_preemption_service", False)
    jax.distributed.initialize(
        coordinator_address=environment.coordinator,
        num_processes=environment.size,
        process_id=environment.rank,
        # Without this JAX asks the Kubernetes API about the pod, and crashes where it may not.
        cluster_detection_method="deactivate",
        initialization_timeout=START_TIMEOUT_S,
        heartbeat_timeout_seconds=HEARTBEAT_TIMEOUT_S,
    )


def leave() -> None:
    """Wait until every worker is done, then disconnect."""
    jax: Any = sys.modules.get("jax")
    if jax is not None and jax.distributed.is_initialized():
        jax.distributed.shutdown()


def _require_untouched_backend() -> None:
    from jax._src import xla_bridge

    if xla_bridge.backends_are_initialized():
        raise KubelabError(
            "JAX has already used a device in this process, so it can no longer join the other workers. "
            "Call training.context() before the first jax computation or jax.devices()."
        )


def _wait_for_coordinator(environment: PodEnvironment) -> None:
    """Wait until rank 0 has a name and listens.

    A headless Service's names appear once its pods have addresses; and a gRPC client that finds
    nobody listening tries again only after a second.
    """
    host, port = environment.coordinator.rsplit(":", 1)
    deadline = clock.monotonic() + START_TIMEOUT_S
    while True:
        try:
            if environment.rank == 0:
                socket.getaddrinfo(host, port)
            else:
                socket.create_connection((host, int(port)), timeout=1.0).close()
        except OSError as error:
            if clock.monotonic() > deadline:
                where = f"{host}:{port} was not there after {START_TIMEOUT_S} s"
                raise KubelabError(f"the coordinator {where} ({error})") from error
            time.sleep(_POLL_S)
        else:
            return
