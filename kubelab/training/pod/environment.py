"""The environment contract: what a worker learns about its job from its variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from kubelab.errors import KubelabError

COORDINATOR_PORT = 29500
"""Trainer v2's port for JAX (kubeflow/trainer v2.3.0, ``pkg/constants``)."""

CHECKPOINT_DIR = "KUBELAB_CHECKPOINT_DIR"
CHECKPOINT_EVERY = "KUBELAB_CHECKPOINT_EVERY"
MAX_RESTARTS = "KUBELAB_MAX_RESTARTS"
TRIAL = "KATIB_TRIAL_NAME"


@dataclass(frozen=True, slots=True)
class PodEnvironment:
    """One worker's place in its job.

    Parameters
    ----------
    rank : int
        This worker's number, from 0.
    size : int
        How many workers there are.
    coordinator : str
        ``host:port`` of rank 0; empty for a lone worker.
    checkpoint_dir : str
        The job's volume; empty where it has none.
    checkpoint_every : int
        Steps between checkpoints; 0 is never.
    max_restarts : int, optional
        How often this worker may be started again, where nothing above it counts.
    trial : str
        The name of Katib's trial that it is a worker of; empty where it is of none.
    """

    rank: int = 0
    size: int = 1
    coordinator: str = ""
    checkpoint_dir: str = ""
    checkpoint_every: int = 0
    max_restarts: int | None = None
    trial: str = ""

    @staticmethod
    def read(env: Mapping[str, str] = os.environ) -> PodEnvironment:
        """Read what Trainer v2 (``JAX_…``) or the training operator (no prefix) set.

        Raises
        ------
        KubelabError
            If a number is not one, or there are several workers and no coordinator.
        """
        size = _number(env, "JAX_NUM_PROCESSES", "NUM_PROCESSES", default=1)
        coordinator = env.get("JAX_COORDINATOR_ADDRESS") or _operator_coordinator(env)
        if size > 1 and not coordinator:
            raise KubelabError(f"there are {size} workers but JAX_COORDINATOR_ADDRESS is not set")
        return PodEnvironment(
            rank=_number(env, "JAX_PROCESS_ID", "PROCESS_ID", default=0),
            size=size,
            coordinator=coordinator,
            checkpoint_dir=env.get(CHECKPOINT_DIR, ""),
            checkpoint_every=_number(env, CHECKPOINT_EVERY, default=0),
            trial=env.get(TRIAL, ""),
            max_restarts=_number(env, MAX_RESTARTS, default=0) if env.get(MAX_RESTARTS) else None,
        )


def _operator_coordinator(env: Mapping[str, str]) -> str:
    host = env.get("COORDINATOR_ADDRESS", "")
    if not host or ":" in host:
        return host
    return f"{host}:{env.get('COORDINATOR_PORT', COORDINATOR_PORT)}"


def _number(env: Mapping[str, str], *names: str, default: int) -> int:
    for name in names:
        if env.get(name):
            try:
                return int(env[name])
            except ValueError:
                raise KubelabError(f"{name}={env[name]!r} is not a whole number") from None
    return default
