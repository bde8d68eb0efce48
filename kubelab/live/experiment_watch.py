"""`ExperimentWatch`: the chaos experiments about one job, watched through the API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from kubelab.client import CHAOS_EXPERIMENTS, Client, Object
from kubelab.informer import Informer
from kubelab.live.throttle import INTERVAL_S, Throttle


@dataclass(frozen=True, slots=True)
class ExperimentRow:
    """One experiment, as its object tells it.

    Parameters
    ----------
    name, fault, hits, expects : str
        What it is called, what is done to whom, and what is expected.
    created : str
        RFC 3339.
    phase : str
        ``Active``, ``Ended`` or ``Refused``; empty until the lab's daemon takes it up.
    verdict : str
        ``Held``, ``Broken`` or ``No effect``; ``Unobserved`` if nobody looked on, or not yet.
    evidence : tuple of str
        What shows it; as long as there is no verdict, what was done and undone.
    """

    name: str
    fault: str
    hits: str
    expects: str
    created: str
    phase: str
    verdict: str
    evidence: tuple[str, ...]

    @classmethod
    def of_object(cls, obj: Object) -> Self:
        """Return what a ChaosExperiment tells."""
        meta, spec, status = obj["metadata"], obj["spec"], obj.get("status") or {}
        told = [f"hits: {spec.get('hits', '')}"]
        told += [f"{word}: {status[key]}" for word, key in _TOLD.items() if status.get(key)]
        return cls(
            name=meta["name"],
            fault=spec["fault"],
            hits=spec.get("hits", ""),
            expects=spec.get("hypothesis", ""),
            created=meta["creationTimestamp"],
            phase=status.get("phase", ""),
            verdict=status.get("verdict", ""),
            evidence=tuple(status.get("evidence") or told),
        )


_TOLD = {"done": "did", "undone": "undid", "refused": "message"}


class ExperimentWatch:
    """Watches what is broken on purpose under one job, on the loop that `start` runs on.

    Parameters
    ----------
    client : Client
        The cluster's API.
    namespace, uid : str
        Of the job.
    on_update : callable
        Called on the watch's loop, at most once an interval.
    """

    def __init__(self, client: Client, namespace: str, uid: str, on_update: Callable[[], None]) -> None:
        self._uid = uid
        self._throttle = Throttle(on_update, INTERVAL_S)
        self._informer = Informer(client, CHAOS_EXPERIMENTS, namespace)
        self._informer.subscribe(lambda _old, _new: self._throttle.request())
        self._task: asyncio.Task[None] | None = None

    async def start(self, patience_s: float = 5.0) -> None:
        """Begin to watch; returns once what exists has been read, or after ``patience_s`` seconds."""
        self._task = asyncio.create_task(self._informer.run(), name="watch of experiments")
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._informer.synced.wait()

    async def stop(self) -> None:
        """Stop watching; no update comes after this."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._throttle.cancel()

    def rows(self) -> tuple[ExperimentRow, ...]:
        """Return the experiments about the job, newest first."""
        rows = (
            ExperimentRow.of_object(obj)
            for obj in self._informer.objects.values()
            if (obj["spec"].get("about") or {}).get("uid") == self._uid
        )
        return tuple(sorted(rows, key=lambda row: row.created, reverse=True))
