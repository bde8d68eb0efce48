"""Several writes at once, and what their refusals mean."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from kubelab.errors import ApiError

BURST = 500
"""How many pods are created or deleted at once (upstream: ``BurstReplicas``)."""


def namespace_ends(error: ApiError) -> bool:
    """Say whether something was refused because its namespace is being deleted."""
    return any(cause.get("reason") == "NamespaceTerminating" for cause in error.causes)


async def together(coroutines: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Run together; every one is finished before the first failure is raised."""
    for answer in await asyncio.gather(*coroutines, return_exceptions=True):
        if isinstance(answer, BaseException):
            raise answer


async def slow_start(jobs: list[Callable[[], Coroutine[Any, Any, Any]]]) -> None:
    """Run in batches of 1, 2, 4, ... and stop at the first that fails: what cannot work fails but once."""
    size, rest = 1, jobs
    while rest:
        await together(job() for job in rest[:size])
        rest, size = rest[size:], size * 2
