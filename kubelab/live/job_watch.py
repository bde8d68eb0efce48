"""`JobWatch`: one job, watched through the API; what changed comes out at most ten times a second."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

from kubelab.client import EVENTS, PODS, Client, Object
from kubelab.informer import Informer
from kubelab.live.job_log import JobLog
from kubelab.live.job_snapshot import job_snapshot
from kubelab.live.snapshot import JobSnapshot, JobUpdate, Point
from kubelab.live.throttle import INTERVAL_S, Throttle
from kubelab.training.builders import resource_of
from kubelab.training.view import CONTAINERS, JobView, pod_selector, rank_of, restarts_of

_HAS_LOG = frozenset({"Running", "Succeeded", "Failed"})
_RETRY_S = 0.3


class JobWatch:
    """Watches a job, its pods, their logs and events, on the loop that `start` runs on.

    Parameters
    ----------
    client : Client
        The cluster's API.
    kind, namespace, name : str
        Which job: a ``TrainJob`` or a ``JAXJob``.
    on_update : callable
        Called with a `JobUpdate`, on the watch's loop, at most once an interval.
    interval_s : float
        The least time between two updates, in seconds.
    """

    def __init__(
        self,
        client: Client,
        kind: str,
        namespace: str,
        name: str,
        on_update: Callable[[JobUpdate], None],
        *,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self.kind = kind
        self.name = name
        self.log = JobLog()
        self._last: JobSnapshot | None = None
        self._client = client
        self._namespace = namespace
        self._on_update = on_update
        self._throttle = Throttle(self._publish, interval_s)
        by_name = f"metadata.name={name}"
        self._jobs = Informer(client, resource_of(kind), namespace, field_selector=by_name)
        self._pods = Informer(client, PODS, namespace, label_selector=pod_selector(kind, name))
        self._events = Informer(client, EVENTS, namespace)
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers: dict[str, asyncio.Task[None]] = {}

    async def start(self, patience_s: float = 5.0) -> None:
        """Begin to watch; returns once what exists has been read, or after ``patience_s`` seconds."""
        try:
            await self._begin(patience_s)
        except BaseException:  # such as Ctrl-C in the cell that waits for this
            await self.stop()
            raise

    async def _begin(self, patience_s: float) -> None:
        informers = (self._jobs, self._pods, self._events)
        self._pods.subscribe(self._pod_changed)
        for informer in informers:
            informer.subscribe(lambda _old, _new: self._throttle.request())
            self._spawn(informer.run())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await asyncio.gather(*(informer.synced.wait() for informer in informers))
                await self._finished_logs()

    async def stop(self) -> None:
        """Stop watching; no update comes after this."""
        self._throttle.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._throttle.cancel()

    @property
    def synced(self) -> bool:
        """Whether the API server has answered."""
        return self._jobs.synced.is_set()

    def snapshot(self) -> JobSnapshot | None:
        """Return what the job looks like now; None before the API server has answered."""
        job = self._jobs.get(self._namespace, self.name)
        if job is not None:
            pods = tuple(self._pods.objects.values())
            view = JobView(job, pods, logged_step=self.log.step, logged_attempt=self.log.attempt)
            self._last = job_snapshot(view, self._events.objects.values(), self.log)
        elif self._last is not None and self.synced:
            self._last = replace(self._last, phase="Deleted", ready=0, workers=(), problem=None)
        return self._last

    def history(self) -> dict[tuple[str, int], tuple[Point, ...]]:
        """Return the points of every metric and rank since the job began."""
        return self.log.history()

    def catch_up(self) -> dict[tuple[str, int], tuple[Point, ...]]:
        """Return the history; the updates that follow bring only what came after it."""
        self.log.take()
        return self.log.history()

    def _publish(self) -> None:
        snapshot = self.snapshot()
        if snapshot is not None:
            self._on_update(JobUpdate(snapshot, *self.log.take()))

    def _pod_changed(self, _old: Object | None, pod: Object | None) -> None:
        if pod is None or pod.get("status", {}).get("phase") not in _HAS_LOG:
            return
        uid, rank = pod["metadata"]["uid"], rank_of(pod)
        if rank is not None and uid not in self._readers:
            self._readers[uid] = self._spawn(self._follow(pod["metadata"]["name"], uid, rank))

    async def _follow(self, pod_name: str, uid: str, rank: int) -> None:
        """Read a pod's log to its end, again from where it broke off if the connection was lost."""
        seen: Counter[int] = Counter()
        while True:
            with suppress(Exception):  # the server may be restarting, or the container not started
                await self._read(pod_name, rank, seen)
            pod = self._pods.get(self._namespace, pod_name)
            if pod is None or pod["metadata"]["uid"] != uid:
                return
            if pod["status"].get("phase") in {"Succeeded", "Failed"}:
                return
            await asyncio.sleep(_RETRY_S)

    async def _read(self, pod_name: str, rank: int, seen: Counter[int]) -> None:
        """Read on; ``seen`` counts the lines of each run of the container."""
        run = restarts_of(self._pods.objects[self._namespace, pod_name])
        logs = self._client.logs(pod_name, self._namespace, container=CONTAINERS[self.kind], follow=True)
        count = 0
        async with aclosing(logs) as lines:
            async for line in lines:
                count += 1
                if count > seen[run]:
                    seen[run] = count
                    self.log.add(rank, line)
                    self._throttle.request()

    async def _finished_logs(self) -> None:
        """Wait for the logs of pods that have ended, so that a finished job is shown whole at once."""
        ended = [
            pod
            for pod in self._pods.objects.values()
            if pod["status"].get("phase") in {"Succeeded", "Failed"}
        ]
        readers = [
            self._readers[pod["metadata"]["uid"]] for pod in ended if pod["metadata"]["uid"] in self._readers
        ]
        if readers:
            await asyncio.wait(readers)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
