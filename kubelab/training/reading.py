"""What a handle reads from the API: a job's objects, its workers' logs, and their changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from kubelab.client import (
    CONFIG_MAPS,
    EVENTS,
    JOB_SETS,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    SERVICES,
    Client,
    Object,
    Resource,
)
from kubelab.errors import ApiError
from kubelab.informer import Informer
from kubelab.training.builders import resource_of
from kubelab.training.events import events_of
from kubelab.training.metrics import parse_metrics
from kubelab.training.view import CONTAINERS, JobView, attempt_of, pod_selector, rank_of, restarts_of

_RETRY_S = 0.2
_LAST_LINES = 5
_NOT_SEEN = {403, 404}  # who may create jobs need not be allowed to read what they are made of


class JobReader:
    """Reads one job.

    Parameters
    ----------
    client : Client
        The cluster's API.
    kind, namespace, name : str
        Which job.
    uid : str
        Tells the job from a later one of the same name.
    """

    def __init__(self, client: Client, kind: str, namespace: str, name: str, uid: str) -> None:
        self.client = client
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.uid = uid

    async def view(self) -> JobView:
        """Return the job and its pods as they are now.

        Raises
        ------
        NotFoundError
            If it was deleted.
        """
        job, pods = await asyncio.gather(
            self.client.get(resource_of(self.kind), self.name, self.namespace),
            self.client.list(PODS, self.namespace, label_selector=pod_selector(self.kind, self.name)),
        )
        view = JobView(job, tuple(pods.items))
        if self.kind == "TrainJob" and view.step is not None:
            return view
        step, attempt = await self._logged(view)
        return replace(view, logged_step=step, logged_attempt=attempt)

    async def views(self) -> AsyncGenerator[JobView | None, None]:
        """Yield the job as it is and after each change; None once it is deleted."""
        await self.client.get(resource_of(self.kind), self.name, self.namespace)
        async with self._informed() as (jobs, pods, changed):
            while True:
                changed.clear()
                job = jobs.get(self.namespace, self.name)
                if job is None or job["metadata"]["uid"] != self.uid:
                    yield None
                    return
                yield JobView(job, tuple(pods.objects.values()))
                await changed.wait()

    async def lines(self, rank: int, *, tail_lines: int | None = None) -> list[str]:
        """Return a rank's log: all containers whose logs can still be read, oldest first."""
        view = await self.view()
        found: list[str] = []
        for pod in self._pods_of(view, rank):
            for previous in (True, False) if restarts_of(pod) else (False,):
                found += await self._log(pod, previous=previous, tail_lines=tail_lines)
        return found if tail_lines is None else found[-tail_lines:]

    async def log_of(self, pod: str, *, previous: bool, tail_lines: int) -> list[str] | None:
        """Return the end of one container's log; None where it is no longer kept."""
        try:
            return await self._read(pod, previous=previous, tail_lines=tail_lines)
        except ApiError:
            return None

    async def follow(self, rank: int) -> AsyncGenerator[str, None]:
        """Yield a rank's log lines as they are written, over restarts, until the job has ended."""
        done: set[tuple[str, int]] = set()
        while True:
            view = await self.view()
            for pod in self._pods_of(view, rank):
                container = (str(pod["metadata"]["uid"]), restarts_of(pod))
                if container in done or not _has_started(pod):
                    continue
                async with aclosing(self._stream(pod)) as lines:
                    async for line in lines:
                        yield line
                done.add(container)
                break
            else:
                if view.ended is not None:
                    return
                await asyncio.sleep(_RETRY_S)

    async def events(self) -> list[Object]:
        """Return the events of the job and of what was made for it, oldest first."""
        page = await self.client.list(EVENTS, self.namespace)
        return events_of(self.name, page.items)

    async def _logged(self, view: JobView) -> tuple[int | None, int]:
        """Return the newest step and attempt in rank 0's log: a JAXJob's status has no place for them."""
        if 0 not in view.workers:
            return None, 0
        metrics = parse_metrics(await self._log(view.workers[0], previous=False, tail_lines=_LAST_LINES))
        steps = (metric.step for metric in metrics if metric.step is not None)
        return max(steps, default=None), max((metric.attempt for metric in metrics), default=0)

    def _pods_of(self, view: JobView, rank: int) -> list[Object]:
        mine = [pod for pod in view.pods if rank_of(pod) == rank]
        return sorted(mine, key=lambda pod: (str(pod["metadata"].get("creationTimestamp")), attempt_of(pod)))

    async def _log(self, pod: Object, *, previous: bool, tail_lines: int | None) -> list[str]:
        try:
            return await self._read(pod["metadata"]["name"], previous=previous, tail_lines=tail_lines)
        except ApiError:  # not started yet, or no longer kept
            return []

    async def _read(self, pod: str, *, previous: bool, tail_lines: int | None) -> list[str]:
        logs = self.client.logs(
            pod,
            self.namespace,
            container=CONTAINERS[self.kind],
            previous=previous,
            tail_lines=tail_lines,
        )
        return [line async for line in logs]

    async def _stream(self, pod: Object) -> AsyncGenerator[str, None]:
        logs = self.client.logs(
            pod["metadata"]["name"], self.namespace, container=CONTAINERS[self.kind], follow=True
        )
        with contextlib.suppress(ApiError):
            async with aclosing(logs) as lines:
                async for line in lines:
                    yield line

    @asynccontextmanager
    async def _informed(self) -> AsyncIterator[tuple[Informer, Informer, asyncio.Event]]:
        changed = asyncio.Event()
        jobs = Informer(
            self.client,
            resource_of(self.kind),
            self.namespace,
            field_selector=f"metadata.name={self.name}",
        )
        pods = Informer(self.client, PODS, self.namespace, label_selector=pod_selector(self.kind, self.name))
        for informer in (jobs, pods):
            informer.subscribe(lambda _old, _new: changed.set())
        tasks = [asyncio.create_task(informer.run()) for informer in (jobs, pods)]
        try:
            await asyncio.gather(jobs.synced.wait(), pods.synced.wait())
            yield jobs, pods, changed
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def wait_until_gone(reader: JobReader) -> None:
    """Return once neither the job nor what was made for it is left, so that its name is free again."""
    while True:
        if not await _is_left(reader):
            return
        await asyncio.sleep(_RETRY_S)


async def _is_left(reader: JobReader) -> bool:
    """Look from the top down: what is made meanwhile is made by something that was there a moment ago."""
    parts = (
        (resource_of(reader.kind), reader.name),
        (JOB_SETS, reader.name),
        (SERVICES, reader.name),
        (CONFIG_MAPS, f"{reader.name}-code"),
        (PERSISTENT_VOLUME_CLAIMS, f"{reader.name}-checkpoints"),
    )
    if any([await _exists(reader, resource, name) for resource, name in parts]):
        return True
    selector = pod_selector(reader.kind, reader.name)
    return any([await _any_selected(reader, resource, selector) for resource in (JOBS, PODS)])


async def _exists(reader: JobReader, resource: Resource, name: str) -> bool:
    try:
        found = await reader.client.get(resource, name, reader.namespace)
    except ApiError as error:
        if error.code in _NOT_SEEN:
            return False
        raise
    owners = found["metadata"].get("ownerReferences") or ()
    return reader.uid in {found["metadata"]["uid"], *(owner["uid"] for owner in owners)}


async def _any_selected(reader: JobReader, resource: Resource, selector: str) -> bool:
    try:
        return bool((await reader.client.list(resource, reader.namespace, label_selector=selector)).items)
    except ApiError as error:
        if error.code in _NOT_SEEN:
            return False
        raise


def _has_started(pod: Object) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return any(
        {"running", "terminated"} & set(status.get("state") or {}) or status.get("restartCount")
        for status in statuses
    )
