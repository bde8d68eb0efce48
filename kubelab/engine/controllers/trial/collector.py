"""Follows the logs of trials while they run, through the API: the log is the truth, read from its start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing

from kubelab.client import PODS, Client, Object
from kubelab.engine.controllers.trial.reported import Reported
from kubelab.engine.katib.collectors import Source
from kubelab.errors import ApiError, ConnectionFailedError
from kubelab.metric_grammar import seconds
from kubelab.sweeps.names import TRIAL_LABEL

logger = logging.getLogger(__name__)

_RETRY_S = 0.5
_TOGETHER = 256
"""How many lines are read at most before something else may run."""


class Collection:
    """What is read of one trial.

    Parameters
    ----------
    client : Client
        Where logs are read.
    trial : dict
        The Trial.
    source : Source
        Which log holds its metrics, and how.
    metrics : sequence of str
        Those of the search.
    pods : callable
        Gives the trial's pods as the cache has them.
    changed : callable
        Called whenever something new was read, and when all was.
    """

    def __init__(
        self,
        client: Client,
        trial: Object,
        source: Source,
        metrics: Sequence[str],
        *,
        pods: Callable[[], list[Object]],
        changed: Callable[[], None],
    ) -> None:
        self.client = client
        self.namespace, self.name = trial["metadata"]["namespace"], trial["metadata"]["name"]
        self.labels: dict[str, str] = trial["spec"].get("primaryPodLabels") or {}
        self.container = source.container
        self.reported = Reported(metrics, source)
        self.complete = False
        self._pods = pods
        self._changed = changed
        self._finishing = False
        self._woken = asyncio.Event()
        self._read: set[tuple[str, int]] = set()
        self._task = asyncio.create_task(self._run(), name=f"metrics of {self.name}")

    def wake(self) -> None:
        """Look again: a pod has changed."""
        self._woken.set()

    def finish(self) -> None:
        """Read what is left and be complete: the trial's run is over."""
        if not self._finishing:
            self._finishing = True
            self._woken.set()

    def stop(self) -> None:
        """Read no more."""
        self._task.cancel()

    async def _run(self) -> None:
        while not self.complete:
            self._woken.clear()
            finishing = self._finishing
            try:
                pods = await self._listed() if finishing else self._pods()
                if await self._follow_next(pods):
                    continue
            except (ApiError, ConnectionFailedError) as error:
                logger.debug("metrics of %s: %s", self.name, error)
                await asyncio.sleep(_RETRY_S)
                continue
            if finishing:
                self.complete = True
                self._changed()
            else:
                await self._woken.wait()

    async def _listed(self) -> list[Object]:
        """Return the pods from the server: the cache may not show the last one's end yet."""
        page = await self.client.list(PODS, self.namespace, label_selector=f"{TRIAL_LABEL}={self.name}")
        return page.items

    async def _follow_next(self, pods: Sequence[Object]) -> bool:
        """Read the log of the first container that has started and was not read; say if there was one."""
        for pod in sorted(pods, key=_age):
            start = _start(pod, self.container)
            if not self._is_primary(pod) or start is None:
                continue
            place = (pod["metadata"]["uid"], start)
            if place not in self._read:
                await self._follow(pod)
                self._read.add(place)
                return True
        return False

    def _is_primary(self, pod: Object) -> bool:
        labels = pod["metadata"].get("labels") or {}
        return all(labels.get(key) == value for key, value in self.labels.items())

    async def _follow(self, pod: Object) -> None:
        self.reported.begin()
        lines = self.client.logs(
            pod["metadata"]["name"], self.namespace, container=self.container, follow=True, timestamps=True
        )
        async with aclosing(lines):
            number = 0
            async for line in lines:
                time, _, text = line.partition(" ")
                if self.reported.feed(text, seconds(time)):
                    self._changed()
                number += 1
                if number % _TOGETHER == 0:
                    await asyncio.sleep(0)


def _start(pod: Object, container: str) -> int | None:
    """Return how often a container was started again; None before it has started."""
    status = pod.get("status") or {}
    for each in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        if each["name"] == container:
            state = each.get("state") or {}
            return int(each.get("restartCount") or 0) if "running" in state or "terminated" in state else None
    return None


def _age(pod: Object) -> tuple[str, str]:
    return pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"]
